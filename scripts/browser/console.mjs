// Looks at every page of the console as people do: signs in by link, visits every address of the route list in light and
// dark at two widths, runs axe on each, without JavaScript too, and keeps a picture of each.
//
//   node console.mjs LINK SOURCE PICTURES
//
// LINK signs in once, SOURCE is the folder src/http/console, PICTURES a folder. NODE_PATH or the working directory says
// where playwright-core and axe-core are. Fails on any finding and on a route that no page leads to.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "node_modules", "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [link, source, pictures] = process.argv.slice(2);
const origin = new URL(link).origin;
mkdirSync(pictures, { recursive: true });

const WIDTHS = [[360, 800], [1440, 900]];
const THEMES = ["light", "dark"];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// Addresses that a page does not lead to, or that end the visit; and what only local people and people with roles of
// their own lead to, of whom the company has hardly any.
const APART = [/\/people\/\{id\}\/(edit|reactivate|roles\/)/, /^\/link\//, /^\/join/, /^\/sign-in/, /^\/sign-out/, /^\/o\/\{organization\}\/people\/invite\/csv/, /\/quarantines\/\{id\}/];

const findings = [];
const find = (where, what) => {
  findings.push(`${where}: ${what}`);
  console.error(`  ${where}: ${what}`);
};

// The pages to look at, out of the source: Page::get("/o/{organization}/gates", …)
const files = readdirSync(source, { recursive: true }).filter((name) => String(name).endsWith(".rs"));
const routes = new Set();
for (const file of files) {
  for (const [, path] of readFileSync(join(source, String(file)), "utf8").matchAll(/Page::get\(\s*"([^"]+)"/g)) routes.add(path);
}
const patterns = [...routes].map((route) => ({
  route,
  names: (route.match(/\{/g) ?? []).length,
  regex: new RegExp(`^${route.replace(/\{[^}]+\}/g, "[^/]+")}$`),
}));
const routeOf = (path) => patterns.filter(({ regex }) => regex.test(path)).sort((a, b) => a.names - b.names)[0]?.route;

// Forms reach these; they are looked at besides.
const REACHED_BY_FORMS = ["/o/{organization}/mappings/preview", "/o/{organization}/check"];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});

async function watched(options) {
  const context = await browser.newContext(options);
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  return context;
}

// Sign in by link, as somebody who was given it.
const first = await watched({});
const page = await first.newPage();
await page.goto(link);
await page.click("main button[type=submit]");
await page.waitForLoadState();
if (!new URL(page.url()).pathname.startsWith("/o/")) find("sign-in", `ended at ${page.url()}`);
const state = await first.storageState();

// Follow every link once a route, beginning at the start page.
const example = new Map();
const queue = [new URL(page.url()).pathname, "/o", "/sessions"];
const seen = new Set(queue);
const enough = new Map();
while (queue.length > 0) {
  const address = queue.shift();
  const route = routeOf(address.split("?")[0]);
  if (!route) continue;
  const visited = enough.get(route) ?? 0;
  if (visited >= 30) continue;
  enough.set(route, visited + 1);
  const answer = await page.goto(origin + address);
  // A page that says why something is refused is a page: 403, 409 and 422 are looked at as the others.
  if (![200, 403, 409, 422].includes(answer.status())) find(address, `answered ${answer.status()}`);
  const landed = routeOf(new URL(page.url()).pathname);
  const size = (await answer.body()).length;
  if (size > 100_000) find(address, `transfers ${size} bytes`);
  if (landed && (!example.has(landed) || (address.length > example.get(landed).length && address.includes("?") && !example.get(landed).includes("?")))) {
    example.set(landed, new URL(page.url()).pathname + new URL(page.url()).search);
  }
  for (const href of await page.$$eval("a[href]", (links) => links.map((one) => one.href))) {
    const url = new URL(href);
    const next = url.pathname + url.search;
    if (url.origin !== origin || seen.has(next) || /\.(csv|json|svg|css|js)$/.test(url.pathname)) continue;
    seen.add(next);
    queue.push(next);
  }
}
for (const { route } of patterns) {
  if (!example.has(route) && !REACHED_BY_FORMS.includes(route) && !APART.some((apart) => apart.test(route)) && route !== "/") find(route, "no page leads to it");
}
// An answer is worth a picture of its own.
const organization = new URL(page.url()).pathname.split("/")[2];
const extra = [
  `/o/${organization}/check?person=ines.carvalho%40kestrel.example&permission=deploy%3Arun&scope=%2Fplatform%2Fproduction`,
  `/o/${organization}/mappings/preview?kind=group&name=qa&role=deployer&scope=%2Fbilling%2Fproduction&until=&reason=Tries`,
  `/o/${organization}/nowhere`,
];

let looked = 0;
for (const script of [true, false]) {
  for (const theme of THEMES) {
    for (const [width, height] of WIDTHS) {
      // Without a script the pages are the same; one theme and the narrow width say whether they hold.
      if (!script && (theme === "dark" || width > 360)) continue;
      const context = await watched({ storageState: state, colorScheme: theme, viewport: { width, height }, javaScriptEnabled: script });
      const tab = await context.newPage();
      for (const address of [...example.values(), ...extra]) {
        const name = `${address.split("?")[0].replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "id").replace(/\W+/g, "-").replace(/^-|-$/g, "")}${address.includes("?") ? "-query" : ""}`;
        const where = `${address} ${theme} ${width}${script ? "" : " without script"}`;
        const answer = await tab.goto(origin + address);
        if (answer.status() >= 500) find(where, `answered ${answer.status()}`);
        looked += 1;
        await tab.screenshot({ path: join(pictures, `${name}-${theme}-${width}${script ? "" : "-plain"}.png`), fullPage: true });
        if (!script) {
          if ((await tab.locator("h1").count()) !== 1) find(where, "has not exactly one h1");
          continue;
        }
        const wide = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (wide > 0) find(where, `scrolls ${wide} px sideways`);
        const violations = await tab.evaluate(() => window.violations);
        for (const violation of violations) find(where, `breaks the policy: ${violation}`);
        await tab.evaluate(axe);
        const report = await tab.evaluate((only) => axe.run(document, { runOnly: only }), RULES);
        for (const { id, nodes } of report.violations) {
          find(where, `axe ${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
        }
      }
      await context.close();
    }
  }
}
await browser.close();
writeFileSync(join(pictures, "findings.txt"), findings.join("\n"));
console.log(`  ${example.size} of ${patterns.length} routes, ${looked} pages looked at, ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
