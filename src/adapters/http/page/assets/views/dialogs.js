import { html } from "htm/preact"
import { useEffect, useRef, useState } from "preact/hooks"
import { Preferences } from "./preferences.js"

const username = { name: "username", label: "Username", type: "text", autocomplete: "username" }
const password = { name: "password", label: "Password", type: "password" }

const forms = {
  login: { title: "Sign in", fields: [username, { ...password, autocomplete: "current-password" }] },
  register: {
    title: "Create account",
    fields: [
      { ...username, hint: "6 to 20 letters, digits, dots, _ or -. Others see it." },
      { name: "full_name", label: "Full name", type: "text", autocomplete: "name", hint: "At least 6 characters." },
      { ...password, autocomplete: "new-password", hint: "At least 6 characters." }
    ]
  },
  guest: {
    title: "Guest",
    submit: "Speak as this guest",
    fields: [
      {
        name: "guest",
        label: "Your name",
        type: "text",
        autocomplete: "nickname",
        maxlength: 40,
        hint: "Nobody vouches for it, and nobody keeps it for you. With an account the name is yours."
      }
    ]
  }
}

const Field = ({ field, value, wrong }) => {
  const id = `field-${field.name}`
  // What is wrong says what was expected, too.
  const hint = wrong === undefined ? field.hint : undefined
  const notes = [wrong !== undefined && `${id}-wrong`, hint !== undefined && `${id}-hint`].filter(Boolean)
  return html`
    <div class="field">
      <label for=${id}>${field.label}</label>
      <input
        id=${id}
        name=${field.name}
        type=${field.type}
        defaultValue=${value}
        maxlength=${field.maxlength}
        autocomplete=${field.autocomplete}
        autocapitalize="off"
        spellcheck=${false}
        required
        aria-invalid=${wrong !== undefined ? "true" : undefined}
        aria-describedby=${notes.join(" ") || undefined}
      />
      ${wrong !== undefined && html`<p id=${`${id}-wrong`} class="wrong">${wrong}</p>`}
      ${hint !== undefined && html`<p id=${`${id}-hint`} class="hint">${hint}</p>`}
    </div>
  `
}

/** Sign in, sign up or be a guest, in one form: what is wrong stands at its field, what is wrong with all of it above the button. */
const Account = ({ session, chat, open, onOpen, onDone, onGuest }) => {
  const [failure, setFailure] = useState(undefined)
  const [busy, setBusy] = useState(false)
  const form = forms[open]
  useEffect(() => setFailure(undefined), [open])

  const submit = async (event) => {
    event.preventDefault()
    if (busy) return
    const element = event.currentTarget
    const values = Object.fromEntries(new FormData(element))
    if (open === "guest") {
      onGuest(values.guest)
      return
    }
    setBusy(true)
    const outcome = await (open === "login" ? session.login(values) : session.register(values))
    setBusy(false)
    if (outcome.ok) {
      onDone()
      return
    }
    const { failure } = outcome
    // A name that is taken is wrong at its field, whatever the body says.
    const fields = failure.status === 409 ? { username: failure.text, ...failure.fields } : failure.fields
    setFailure({ text: failure.status === 409 ? "" : failure.text, fields })
    const [first] = Object.keys(fields)
    const wrong = first === undefined ? null : element.elements.namedItem(first)
    if (wrong instanceof HTMLElement) wrong.focus()
  }
  return html`
    <div class="tabs" role="group" aria-label="How to speak here">
      ${Object.entries(forms).map(
        ([name, { title }]) => html`
          <button
            type="button"
            key=${name}
            aria-pressed=${name === open ? "true" : "false"}
            onClick=${() => onOpen(name)}
          >
            ${title}
          </button>
        `
      )}
    </div>
    <form key=${open} onSubmit=${submit} novalidate>
      ${form.fields.map(
        (field) =>
          html`<${Field}
            key=${field.name}
            field=${field}
            value=${field.name === "guest" ? chat.guestName : undefined}
            wrong=${failure?.fields[field.name]}
          />`
      )}
      <p class="wrong" role="alert">${failure?.text}</p>
      <button type="submit" class="primary wide" disabled=${busy}>
        ${busy ? "One moment…" : (form.submit ?? form.title)}
      </button>
    </form>
  `
}

/** The dialogs, one at a time. */
export const Dialogs = ({ session, chat, open, onOpen, onDone, onGuest, preferences, onPreferences }) => {
  const dialog = useRef(null)
  const isAccount = forms[open] !== undefined
  useEffect(() => {
    const element = dialog.current
    if (open === "") element.close()
    else if (!element.open) element.showModal()
    element.querySelector("input:not([type=checkbox])")?.focus()
  }, [open])
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${() => onOpen("")}>
      ${
        open !== "" &&
        html`
          <div class="title">
            <h2 id="dialog-title">${isAccount ? "Who are you?" : "Preferences"}</h2>
            <button type="button" class="quiet" onClick=${() => onOpen("")}>Close</button>
          </div>
          ${
            isAccount
              ? html`<${Account} ...${{ session, chat, open, onOpen, onDone, onGuest }} />`
              : html`<${Preferences} preferences=${preferences} onChange=${onPreferences} />`
          }
        `
      }
    </dialog>
  `
}
