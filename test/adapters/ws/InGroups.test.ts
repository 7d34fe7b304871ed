import { setImmediate } from "node:timers/promises"
import { expect, it } from "vitest"
import { inGroups } from "../../../src/adapters/ws/InGroups.ts"

/** The items taken in each turn of the event loop in which any was. */
const recorder = () => {
  const groups: Array<Array<number>> = []
  let current: Array<number> | undefined
  const take = (item: number): void => {
    if (current === undefined) {
      current = []
      groups.push(current)
      void Promise.resolve().then(() => (current = undefined))
    }
    current.push(item)
  }
  return { groups, take }
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await setImmediate()
}

/** Puts 1, 2, 3 … `last`, one in each turn. */
const oneATurn = async (put: (item: number) => void, last: number): Promise<void> => {
  for (let item = 1; item <= last; item++) {
    put(item)
    await turns(1)
  }
}

it("a lone item is taken once its turn brought no other", async () => {
  const { groups, take } = recorder()
  const put = inGroups(4, take)
  put(1)
  expect(groups).toEqual([])
  await turns(3)
  expect(groups).toEqual([[1]])
})

it("what comes turn by turn is taken together, in order, once a turn brings nothing", async () => {
  const { groups, take } = recorder()
  const put = inGroups(100, take)
  await oneATurn(put, 3)
  await turns(3)
  expect(groups).toEqual([[1, 2, 3]])
})

it("no item waits for more than `most`, however many go on coming", async () => {
  const { groups, take } = recorder()
  const put = inGroups(4, take)
  await oneATurn(put, 12)
  await turns(3)
  expect(groups.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  expect(groups.map((group) => group.length)).toEqual([4, 4, 4])
})

it("what comes while a group is taken is taken with the next", async () => {
  const { groups, take } = recorder()
  const put = inGroups(4, (item: number) => {
    take(item)
    if (item < 3) put(item + 1)
  })
  put(1)
  await turns(8)
  expect(groups).toEqual([[1], [2], [3]])
})
