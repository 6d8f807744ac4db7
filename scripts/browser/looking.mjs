// A browser to look with: opens it, and says what is wrong with a page.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "node_modules", "x.js"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What was found, in order. */
export const findings = [];

export const find = (where, what) => {
  findings.push(`${where}: ${what}`);
  console.error(`  ${where}: ${what}`);
};

/** Ends the program with what was found. */
export function end(pictures, name, summary) {
  writeFileSync(join(pictures, `findings-${name}.txt`), findings.join("\n"));
  console.log(`  ${summary}, ${findings.length} findings`);
  process.exit(findings.length === 0 ? 0 : 1);
}

/** The pages there are, out of the source: Page::get("/o/{organization}/gates", …). */
export function routesOf(source) {
  const files = readdirSync(source, { recursive: true }).filter((name) => String(name).endsWith(".rs"));
  const routes = new Set();
  for (const file of files) {
    for (const [, path] of readFileSync(join(source, String(file)), "utf8").matchAll(/Page::get\(\s*"([^"]+)"/g)) routes.add(path);
  }
  return [...routes].map((route) => ({
    route,
    names: (route.match(/\{/g) ?? []).length,
    regex: new RegExp(`^${route.replace(/\{[^}]+\}/g, "[^/]+")}$`),
  }));
}

export async function open(pictures) {
  mkdirSync(pictures, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}

/** A context that remembers what a page did against its policy. */
export async function watched(browser, options = {}) {
  const context = await browser.newContext(options);
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  return context;
}

/** What only a browser sees: things that stick out, break the policy, or keep people out. */
export async function examine(tab, where) {
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) find(where, `scrolls ${wide} px sideways`);
  for (const violation of await tab.evaluate(() => window.violations)) find(where, `breaks the policy: ${violation}`);
  if (!(await tab.evaluate(() => "axe" in window))) await tab.evaluate(AXE);
  const report = await tab.evaluate((only) => axe.run(document, { runOnly: only }), RULES);
  for (const { id, nodes } of report.violations) {
    find(where, `axe ${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }
}

/** Examines the page a tab shows in both themes, as it stands. */
export async function examineBoth(tab, where) {
  for (const colorScheme of ["dark", "light"]) {
    await tab.emulateMedia({ colorScheme });
    await examine(tab, `${where} ${colorScheme}`);
  }
}

/** Examines the page a tab shows in both themes, wide and narrow, and keeps a picture of each. */
export async function look(tab, pictures, name) {
  if ((await tab.locator("h1").count()) !== 1) find(name, "has not exactly one h1");
  for (const colorScheme of ["light", "dark"]) {
    await tab.emulateMedia({ colorScheme });
    for (const width of [1440, 360]) {
      await tab.setViewportSize({ width, height: 900 });
      // Contrast does not depend on the width: the rules are run once a theme, and the narrow page is measured.
      if (width === 1440) await examine(tab, `${name} ${colorScheme}`);
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wide > 0) find(`${name} ${width}`, `scrolls ${wide} px sideways`);
      // What sticks to the edges of the window sticks to those of the picture.
      await tab.evaluate(() => scrollTo(0, 0));
      await tab.screenshot({ path: join(pictures, `${name}-${colorScheme}-${width}.png`), fullPage: true });
    }
  }
  await tab.setViewportSize({ width: 1440, height: 900 });
  await tab.emulateMedia({ colorScheme: "light" });
}
