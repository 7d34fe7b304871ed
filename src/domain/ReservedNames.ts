/**
 * Names that nobody may have or speak under: they are the server's own voice. A name is judged by what a reader would take it for:
 * `System`, `5ystem`, `sуstem` with a Cyrillic у, `sys tem`, `s\u200Bystem` are all `system`.
 */
const reserved: ReadonlySet<string> = new Set(["system"])

/**
 * Signs that pass for the letters of the reserved names (a part of Unicode's confusables, UTS #39), after compatibility
 * decomposition and lower-casing.
 */
const passesFor: ReadonlyMap<string, string> = new Map(
  [
    ["s", "5$ѕʂꜱƽȿꮪⲋ§"],
    ["y", "уүұγυʏყỿɣɏƴ¥ᶌꮍ"],
    ["t", "7тτŧᴛƭʈꭲ+†ⲧ"],
    ["e", "3еεєҽɛәəǝэ℮€ᴇꬲëꭼⲉ"],
    ["m", "мμᴍϻɱꮇⲙ₥"]
  ].flatMap(([letter = "", signs = ""]) => Array.from(signs, (sign) => [sign, letter] as const))
)

/** Enclosed letters that have no compatibility decomposition: 🅐, 🅰 and 🇦 and those that follow each. */
const enclosed = [0x1f150, 0x1f170, 0x1f1e6]

/** Total: answers for any string. Text with half a surrogate pair is reserved too, since no store keeps it as it is. */
export const isReserved = (name: string): boolean => !name.isWellFormed() || reserved.has(skeleton(name))

const skeleton = (name: string): string => {
  const letters: Array<string> = []
  const decomposed = name.normalize("NFKD").toLowerCase().normalize("NFKD")
  for (const sign of decomposed.replaceAll(/[\p{M}\p{Default_Ignorable_Code_Point}]/gu, "")) {
    const letter = passesFor.get(sign) ?? unboxed(sign) ?? sign
    if (/[\p{L}\p{N}]/u.test(letter)) letters.push(letter)
  }
  // Two letters that pass for one; and what stands around a word is not the word.
  return letters.join("").replaceAll("rn", "m")
}

const unboxed = (sign: string): string | undefined => {
  const point = sign.codePointAt(0) ?? 0
  for (const first of enclosed) {
    if (point >= first && point < first + 26) return String.fromCodePoint(0x61 + point - first)
  }
  return undefined
}
