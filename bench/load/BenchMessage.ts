import { BenchFault } from "../BenchFault.ts"

/** The text of message `count` (1, 2, 3 …) of sender `sender` (0, 1, 2 …): `bytes` ASCII characters that say which it is. */
export const messageText = (sender: number, count: number, bytes: number): string =>
  `${sender}:${count} `.padEnd(bytes, "The quick brown fox jumps over the lazy dog. ")

/** Senders are told apart by this name. */
export const senderName = (sender: number): string => `sender-${sender}`

/** What `messageText` said. Throws a `BenchFault` on a text that it did not make. */
export const readMessageText = (text: string): { readonly sender: number; readonly count: number } => {
  const colon = text.indexOf(":")
  const space = text.indexOf(" ", colon)
  const sender = Number(text.slice(0, colon))
  const count = Number(text.slice(colon + 1, space))
  if (colon < 1 || space < 0 || !Number.isInteger(sender) || !Number.isInteger(count)) {
    throw new BenchFault(`A message that nobody sent: ${text.slice(0, 200)}`)
  }
  return { sender, count }
}
