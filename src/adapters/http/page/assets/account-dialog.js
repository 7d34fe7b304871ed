import { html } from "htm/preact"
import { useEffect, useRef, useState } from "preact/hooks"

const username = { name: "username", label: "Username", type: "text", autocomplete: "username" }
const password = { name: "password", label: "Password", type: "password" }

const forms = {
  login: {
    title: "Log in",
    fields: [username, { ...password, autocomplete: "current-password" }],
    other: ["register", "No account yet? Register"]
  },
  register: {
    title: "Register",
    fields: [
      { ...username, hint: "6 to 20 letters, digits, dots, _ or -. Others see it." },
      { name: "full_name", label: "Full name", type: "text", autocomplete: "name", hint: "At least 6 characters." },
      { ...password, autocomplete: "new-password", hint: "At least 6 characters." }
    ],
    other: ["login", "You have an account? Log in"]
  }
}

const Field = ({ field, wrong }) => {
  const id = `field-${field.name}`
  const notes = [wrong !== undefined && `${id}-wrong`, field.hint !== undefined && `${id}-hint`].filter(Boolean)
  return html`
    <div class="field">
      <label for=${id}>${field.label}</label>
      <input
        id=${id}
        name=${field.name}
        type=${field.type}
        autocomplete=${field.autocomplete}
        autocapitalize="off"
        spellcheck=${false}
        required
        aria-invalid=${wrong !== undefined ? "true" : undefined}
        aria-describedby=${notes.join(" ") || undefined}
      />
      ${wrong !== undefined && html`<p id=${`${id}-wrong`} class="wrong">${wrong}</p>`}
      ${field.hint !== undefined && html`<p id=${`${id}-hint`} class="hint">${field.hint}</p>`}
    </div>
  `
}

/** Log in and register: what is wrong stands at its field, what is wrong with all of it above the button. */
export const AccountDialog = ({ session, open, onOpen, onDone }) => {
  const dialog = useRef(null)
  const [failure, setFailure] = useState(undefined)
  const [busy, setBusy] = useState(false)
  const form = forms[open]

  useEffect(() => {
    setFailure(undefined)
    const element = dialog.current
    if (form === undefined) element.close()
    else if (!element.open) element.showModal()
    element.querySelector("input")?.focus()
  }, [form])

  const submit = async (event) => {
    event.preventDefault()
    if (busy) return
    const element = event.currentTarget
    const values = Object.fromEntries(new FormData(element))
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
    <dialog ref=${dialog} aria-labelledby="account-title" onClose=${() => onOpen("")}>
      ${
        form !== undefined &&
        html`
          <form key=${open} onSubmit=${submit} novalidate>
            <div class="title">
              <h2 id="account-title">${form.title}</h2>
              <button type="button" class="quiet" onClick=${() => onOpen("")}>Close</button>
            </div>
            ${form.fields.map(
              (field) => html`<${Field} key=${field.name} field=${field} wrong=${failure?.fields[field.name]} />`
            )}
            <p class="wrong" role="alert">${failure?.text}</p>
            <button type="submit" class="primary wide" disabled=${busy}>${busy ? "One moment…" : form.title}</button>
            <button type="button" class="link" onClick=${() => onOpen(form.other[0])}>${form.other[1]}</button>
          </form>
        `
      }
    </dialog>
  `
}
