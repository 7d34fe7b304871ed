/**
 * A script or a style as it is served: without the comments that stand on lines of their own, blank lines and indentation, which are for who
 * reads the source and are a quarter of what would go over the line. It looks at lines, not at syntax: no line of a text that spans lines
 * may begin with a comment's sign.
 */
export const withoutComments = (source: string): string =>
  source
    .replaceAll(/^[ \t]*\/\*[\s\S]*?\*\/[ \t]*$/gm, "")
    .replaceAll(/^[ \t]*\/\/.*$/gm, "")
    .replaceAll(/^[ \t]+/gm, "")
    .replaceAll(/\n{2,}/g, "\n")
    .trimStart()
