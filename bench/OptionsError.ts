/** `message` is for the person who typed. */
export class OptionsError extends Error {
  override readonly name = "OptionsError"
}
