/**
 * Gathers what comes in and gives it to `take`, in its order, as soon as a turn of the event loop brought nothing more, or `most` have come. A lone one waits for
 * one such turn.
 *
 * For work that ends in a write to a socket: one that wakes its reader costs twice as much as one that finds him awake, as all but the first of a group do.
 */
export const inGroups = <Item>(most: number, take: (item: Item) => void): ((item: Item) => void) => {
  let waiting: Array<Item> = []
  let seen = 0

  const takeAll = (): void => {
    if (waiting.length > seen && waiting.length < most) {
      seen = waiting.length
      setImmediate(takeAll)
      return
    }
    const group = waiting
    waiting = []
    seen = 0
    for (const item of group) take(item)
  }

  return (item) => {
    waiting.push(item)
    if (waiting.length === 1) setImmediate(takeAll)
  }
}
