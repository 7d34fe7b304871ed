// @ts-check

/** Between tries: doubling from the first to the last, each shortened at random by up to half. Milliseconds. */
export const backoff = { first: 500, last: 30_000 }

/**
 * @param {number} tries how many failed in a row
 * @param {number} random 0 ≤ x < 1
 * @returns {number} milliseconds
 */
export const backoffAfter = (tries, random) =>
  Math.round(Math.min(backoff.last, backoff.first * 2 ** Math.min(tries, 16)) * (1 - random / 2))
