/** The texts of WebSocket frames as a server writes them: final, unmasked text frames. */
export const textsOf = (bytes: Uint8Array): ReadonlyArray<string> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const texts: Array<string> = []
  for (let offset = 0; offset < bytes.length;) {
    if (view.getUint8(offset) !== 0x81) throw new Error(`no final text frame at ${offset}`)
    const short = view.getUint8(offset + 1)
    const [header, length] =
      short < 126
        ? [2, short]
        : short === 126
          ? [4, view.getUint16(offset + 2)]
          : [10, Number(view.getBigUint64(offset + 2))]
    texts.push(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(offset + header, offset + header + length))
    )
    offset += header + length
  }
  return texts
}
