import type { Sample } from "../Monitor.ts"
import { charts, facts, figureAt, written } from "./Figures.ts"
import type { Chart, Fact, Unit } from "./Figures.ts"
import { modulesFor } from "./PageAssets.ts"
import { brand, escapeHtml, foot, head, pagePolicy } from "./Shell.ts"

/** Charts set their sizes through the object model, which `style-src` does not ask about: no inline style is needed. */
export const monitorPolicy = pagePolicy()

const figure = (reading: Sample | undefined, path: string, unit: Unit, of?: string): string => {
  const value = figureAt(reading, path)
  if (value === undefined) return "–"
  const whole = of === undefined ? undefined : figureAt(reading, of)
  return written[unit](value) + (whole === undefined ? "" : ` of ${written[unit](whole)}`)
}

const chartCard = (
  reading: Sample | undefined,
  { leads, lines, title, unit }: Chart
): string => `<section class="card chart${leads ? " leads" : ""}" data-chart="${unit}">
<h2>${title}</h2>
<dl class="now">
${lines
  .map(
    ({ label, path }, line) =>
      `<div><dt class="line-${line + 1}${lines.length === 1 ? " alone" : ""}">${label}</dt><dd data-path="${path}" data-unit="${unit}" data-label="${label}">${figure(reading, path, unit)}</dd></div>`
  )
  .join("\n")}
</dl>
<div class="plot" aria-hidden="true"></div>
</section>`

const factRow = (reading: Sample | undefined, { of, path, title, unit }: Fact): string =>
  `<div><dt>${title}</dt><dd data-path="${path}" data-unit="${unit}"${of === undefined ? "" : ` data-of="${of}"`}>${figure(reading, path, unit, of)}</dd></div>`

const roomRow = ({ messages, room, sockets }: Sample["parley"]["top_rooms"][number]): string =>
  `<tr><th scope="row"><a href="/chat?room=${encodeURIComponent(room)}">#${escapeHtml(room)}</a></th><td class="figure">${written.count(sockets)}</td><td class="figure">–</td><td class="figure">${written.count(messages)}</td></tr>`

/** A chart's line as a table names it: "Commit, p99". */
const columns = charts.flatMap(({ lines, title, unit }) =>
  lines.map(({ label, path }) => ({ title: lines.length === 1 ? title : `${title}, ${label}`, path, unit }))
)

const summaryRow = ({ path, title, unit }: (typeof columns)[number]): string =>
  `<tr data-row="${path}" data-unit="${unit}"><th scope="row">${title}</th>${'<td class="figure">–</td>'.repeat(4)}</tr>`

/** The page before its script has started: without a reading it holds no figure. */
export const monitorPage = (reading?: Sample): string => `<!doctype html>
<html lang="en">
${head({
  title: "Monitor · Parley",
  description: "What a Parley server is doing now",
  styles: ["uplot.css", "monitor/monitor.css"],
  main: "monitor/monitor.js",
  modules: modulesFor("monitor").filter((name) => name !== "monitor/monitor.js")
})}
<body>
<a class="skip" href="#main">To the figures</a>
<header class="bar">
${brand}
<h1>Monitor</h1>
<p id="state" class="status busy" role="status"><span class="dot" aria-hidden="true"></span><span id="word">Connecting…</span></p>
<span id="moment" class="hint" aria-hidden="true"></span>
<div class="controls">
<button type="button" id="as-table" class="quiet" aria-pressed="false" disabled>Show as tables</button>
<button type="button" id="pause" class="quiet" disabled>Pause</button>
</div>
</header>
<p id="notice" class="banner" role="alert" hidden></p>
<noscript><p class="banner call">These are the figures of the moment in which this page was sent. Live ones need JavaScript.</p></noscript>
<main id="main" tabindex="-1">
<form id="entrance" class="card" method="post" autocomplete="off" hidden>
<h2>This monitor asks who you are</h2>
<p class="hint">Show an access token, as the API’s login gives it; or log in on <a href="/">the chat page</a> and come back.</p>
<div class="field">
<label for="token">Access token</label>
<input id="token" type="password" required autocomplete="off" spellcheck="false" aria-describedby="token-wrong">
<p id="token-wrong" class="wrong" role="alert"></p>
</div>
<button type="submit" class="primary">Show the figures</button>
</form>
<div id="board">
<div id="charts">
${charts.map((chart) => chartCard(reading, chart)).join("\n")}
</div>
<div id="tables" class="unseen">
<section class="card" id="summary" aria-labelledby="summary-title">
<h2 id="summary-title">The last five minutes</h2>
<table>
<thead><tr><th scope="col">Figure</th><th scope="col" class="figure">Now</th><th scope="col" class="figure">Lowest</th><th scope="col" class="figure">Mean</th><th scope="col" class="figure">Highest</th></tr></thead>
<tbody>
${columns.map(summaryRow).join("\n")}
</tbody>
</table>
</section>
<section class="card" id="course" aria-labelledby="course-title">
<h2 id="course-title">Every ten seconds</h2>
<table>
<thead><tr><th scope="col">Time</th>${columns
  .map(
    ({ path, title, unit }) => `<th scope="col" class="figure" data-column="${path}" data-unit="${unit}">${title}</th>`
  )
  .join("")}</tr></thead>
<tbody></tbody>
</table>
</section>
</div>
<div id="beside">
<section class="card" id="rooms" aria-labelledby="rooms-title">
<h2 id="rooms-title">Busiest rooms</h2>
<table>
<thead><tr><th scope="col">Room</th><th scope="col" class="figure">Sockets</th><th scope="col" class="figure"><abbr title="Messages a second">Msg/s</abbr></th><th scope="col" class="figure">Messages</th></tr></thead>
<tbody>
${(reading?.parley.top_rooms ?? []).map(roomRow).join("\n")}
</tbody>
</table>
<div class="blank" hidden>
<h3>Nobody is in a room</h3>
<p>As soon as somebody connects, the rooms with most sockets stand here.</p>
<p class="actions"><a class="button quiet" href="/">Open the chat</a></p>
</div>
</section>
<section class="card" id="facts" aria-labelledby="facts-title">
<h2 id="facts-title">Server and machine</h2>
<dl>
${facts.map((fact) => factRow(reading, fact)).join("\n")}
</dl>
</section>
</div>
</div>
</main>
${foot("/dashboard")}
</body>
</html>
`

/** What a browser is told where `DASHBOARD=off`. */
export const noMonitorPage = `<!doctype html>
<html lang="en">
${head({ title: "No monitor · Parley", description: "This server shows no monitor", styles: ["monitor/monitor.css"], modules: [] })}
<body>
<header class="bar">
${brand}
<h1>Monitor</h1>
</header>
<main id="main">
<div class="blank">
<h2>This server shows no monitor</h2>
<p>It is switched off (<code>DASHBOARD=off</code>). Whoever runs the server can show it to everybody (<code>open</code>) or to people with an account (<code>token</code>).</p>
<p class="actions"><a class="button quiet" href="/">To the chat</a></p>
</div>
</main>
${foot("/dashboard")}
</body>
</html>
`
