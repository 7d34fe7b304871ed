// @ts-check

/** Close codes of the socket (RFC 6455 and the server's own) that the page treats by name. */
export const closeCode = { tokenExpired: 4001, badToken: 4500, loggedOut: 4502 }

/**
 * The range alone says whether to come back: 3500–3999 and 4500–4999 say no.
 * @param {number} code
 */
export const mayReconnect = (code) => !((code >= 3500 && code <= 3999) || (code >= 4500 && code <= 4999))

/** Codes by which a server says that what it was sent cannot be read: sending the same again would close it again. */
const unreadable = new Set([1003, 1007, 1008, 1009])

/** @param {number} code */
export const isUnreadable = (code) => unreadable.has(code)
