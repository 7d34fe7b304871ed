import type { Scenario } from "./Scenario.ts"

export const usage = (scenarios: ReadonlyArray<Scenario>): string => `npm run bench -- [options]

Parley, every message committed before it is delivered, against Socket.IO, plain ws and the engine of Centrifugo in memory, each a process of its own, in
alternating turns. Every delivery is checked: a gap, a duplicate or another order ends the scenario.

  --scenario closed,open   some of them, in this order (default all):
${scenarios.map(({ about, name }) => `                             ${name.padEnd(9)} ${about}`).join("\n")}
  --quick                  smaller, one turn each, done in less than 90 seconds: shows that it works, not how fast
  --turns 3                turns of each server; medians are reported (default 3, up to 5 while a ratio is close to its bound)
  --seconds 5              the measured part of a turn (default 5; quick: 1)
  --sockets 100,1000,8000  of the closed loop, a table row each (quick: 1000)
  --only parley,ws         some of the servers
  --journal sqlite         Parley's journal: sqlite, or mongodb with MySQL (those that DB_HOST …, MONGODB_URI
                           name, else MariaDB and FerretDB are started)
  --json FILE              every turn's figures
  --write-docs             renew docs/performance.md, .svg and .json with what was run
  --help                   this`
