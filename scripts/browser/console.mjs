// Looks at every page of the console as people do: signs in by link, visits every address of the route list in light and
// dark at two widths, runs axe on each, without JavaScript too, and keeps a picture of each.
//
//   node console.mjs LINK SOURCE PICTURES
//
// LINK signs in once, SOURCE is the folder src/http/console, PICTURES a folder. NODE_PATH or the working directory says
// where playwright-core and axe-core are. Fails on any finding and on a route that no page leads to.
import { join } from "node:path";
import { end, examine, find, open, routesOf, watched as watchedBy } from "./looking.mjs";

const [link, source, pictures] = process.argv.slice(2);
const origin = new URL(link).origin;
const WIDTHS = [[360, 800], [1440, 900]];
const THEMES = ["light", "dark"];
// Addresses that a page does not lead to, or that end the visit; and what only local people and people with roles of
// their own lead to, of whom the company has hardly any.
const APART = [/\/people\/\{id\}\/(edit|reactivate|roles\/)/, /^\/link\//, /^\/join/, /^\/sign-in/, /^\/sign-out/, /^\/o\/\{organization\}\/people\/invite\/csv/, /\/quarantines\/\{id\}/];

const patterns = routesOf(source);
const routeOf = (path) => patterns.filter(({ regex }) => regex.test(path)).sort((a, b) => a.names - b.names)[0]?.route;

// Forms reach these; they are looked at besides.
const REACHED_BY_FORMS = ["/o/{organization}/mappings/preview", "/o/{organization}/check"];

const browser = await open(pictures);
const watched = (options) => watchedBy(browser, options);

// Sign in by link, as somebody who was given it.
const first = await watched({});
const page = await first.newPage();
await page.goto(link);
await Promise.all([page.waitForNavigation(), page.click("main button[type=submit]")]);
if (!new URL(page.url()).pathname.startsWith("/o/")) find("sign-in", `ended at ${page.url()}`);
const state = await first.storageState();

// What only stands there once somebody has made it: a file, a system, somebody who is told.
const organizationOf = new URL(page.url()).pathname.split("/")[2];
const make = async (path, fields, more = {}, on = path) => {
  await page.goto(`${origin}/o/${organizationOf}${on}`);
  const form = page.locator(`main form[action$="${path}"]`);
  for (const [name, value] of Object.entries(fields)) await form.locator(`[name="${name}"]`).fill(value);
  for (const [name, value] of Object.entries(more)) await form.locator(`[name="${name}"]`).selectOption(value);
  await Promise.all([page.waitForNavigation(), form.locator("button[type=submit]").click()]);
};
await make("/exports", {}, { kind: "people" });
await make("/systems", { name: "Code host" });
const system = new URL(page.url()).pathname.replace(`/o/${organizationOf}`, "");
await make(`${system}/compare`, { accounts: "account,email\nroot,\nines,ines.carvalho@kestrel.example" }, {}, system);
await make("/settings/notifications", { url: "https://hooks.example.com/muster" });
await page.goto(`${origin}/o/${organizationOf}`);

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
// The company's year ends today.
const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
const extra = [
  `/o/${organization}/check?person=ines.carvalho%40kestrel.example&permission=deploy%3Arun&scope=%2Fplatform%2Fproduction`,
  `/o/${organization}/mappings/preview?kind=group&name=qa&role=deployer&scope=%2Fbilling%2Fproduction&until=&reason=Tries`,
  `/o/${organization}/nowhere`,
  `/o/${organization}/past?on=${day(150)}`,
  `/o/${organization}/past?on=${day(240)}&and=${day(60)}&permission=deploy%3Arun&scope=%2Fbilling%2Fproduction`,
  `/o/${organization}/past?on=${day(150)}&person=ines.carvalho%40kestrel.example`,
  `/o/${organization}/people?seen=month`,
  `/o/${organization}/people?q=nobody-is-called-so`,
];

let looked = 0;
for (const script of [true, false]) {
  for (const theme of THEMES) {
    for (const [width, height] of WIDTHS) {
      // Without a script the pages are the same; one theme and the narrow width say whether they hold.
      if (!script && (theme === "dark" || width > 360)) continue;
      const context = await watched({ storageState: state, colorScheme: theme, viewport: { width, height }, javaScriptEnabled: script });
      const tab = await context.newPage();
      for (const [number, address] of [...example.values(), ...extra].entries()) {
        const name = `${address.split("?")[0].replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "id").replace(/\W+/g, "-").replace(/^-|-$/g, "")}${address.includes("?") ? "-query" : ""}${number >= example.size ? `-${number - example.size + 1}` : ""}`;
        const where = `${address} ${theme} ${width}${script ? "" : " without script"}`;
        const answer = await tab.goto(origin + address);
        if (answer.status() >= 500) find(where, `answered ${answer.status()}`);
        looked += 1;
        await tab.screenshot({ path: join(pictures, `${name}-${theme}-${width}${script ? "" : "-plain"}.png`), fullPage: true });
        if (!script) {
          if ((await tab.locator("h1").count()) !== 1) find(where, "has not exactly one h1");
          continue;
        }
        await examine(tab, where);
      }
      await context.close();
    }
  }
}
await browser.close();
end(pictures, "pages", `${example.size} of ${patterns.length} routes, ${looked} pages looked at`);
