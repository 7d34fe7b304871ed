import { brand, foot, head, importMapSource } from "./Shell.ts"

/** Charts set their sizes through the object model, which `style-src` does not ask about: no inline style is needed. */
export const monitorPolicy = [
  "default-src 'none'",
  `script-src 'self' ${importMapSource}`,
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

/** The monitor's page before its script has started. `modules` are the scripts that it loads. */
export const monitorPage = (modules: ReadonlyArray<string>): string => `<!doctype html>
<html lang="en">
${head({
  title: "Monitor · Parley",
  description: "What a Parley server is doing now",
  styles: ["monitor/monitor.css"],
  main: "monitor/monitor.js",
  modules
})}
<body>
<header class="bar">
${brand}
<h1>Monitor</h1>
<p id="state" role="status">Loading …</p>
</header>
<main id="groups"></main>
<noscript><p>The numbers need JavaScript; <code>/dashboard</code> with <code>Accept: application/json</code> has them too.</p></noscript>
${foot("/dashboard")}
</body>
</html>
`
