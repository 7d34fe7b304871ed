import { html } from "htm/preact"
import { useState } from "preact/hooks"

/** What is said out loud, and only to who asked for it. */
export const Preferences = ({ preferences, onChange }) => {
  const [wrong, setWrong] = useState("")
  const notify = async (event) => {
    const box = event.currentTarget
    const wanted = box.checked
    if (!wanted) return onChange({ notify: false })
    const granted = "Notification" in globalThis && (await Notification.requestPermission()) === "granted"
    setWrong(granted ? "" : "This browser does not allow it: see the settings of this site.")
    box.checked = granted
    return onChange({ notify: granted })
  }
  return html`
    <div class="choices">
      <label>
        <input type="checkbox" checked=${preferences.notify} onChange=${notify} />
        <span>Notify me on the desktop <span class="hint">of messages that come while I look elsewhere</span></span>
      </label>
      <p class="wrong" role="alert">${wrong}</p>
      <label>
        <input
          type="checkbox"
          checked=${preferences.badge}
          onChange=${(event) => onChange({ badge: event.currentTarget.checked })}
        />
        <span>Count unread messages in the title <span class="hint">of the browser’s tab</span></span>
      </label>
    </div>
  `
}
