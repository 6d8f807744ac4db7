// Signs in to the console by a certified OpenID Connect provider, npm oidc-provider on this machine, in Chromium.
//
//   node sign-in.mjs MUSTER TOKEN PICTURES
//
// MUSTER is where the server listens, TOKEN one of kind admin, PICTURES a folder. A user whose externalId is `subject-of-ana`
// must be there. Fails on anything that is not as it must be.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.cwd(), "node_modules", "x.js"));
const { chromium } = require("playwright-core");
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);
const [muster, token, pictures] = process.argv.slice(2);
mkdirSync(pictures, { recursive: true });

const fail = (what) => {
  console.error(`  sign-in: ${what}`);
  process.exit(1);
};

const secret = "a secret of this run";
const callback = `${muster}/sign-in/to/default/callback`;
const port = Number(process.env.PROVIDER_PORT);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: "muster", client_secret: secret, redirect_uris: [callback], grant_types: ["authorization_code"], response_types: ["code"] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true }) }),
});
const server = provider.listen(port, "127.0.0.1");

const set = await fetch(`${muster}/api/v1/identity-provider`, {
  method: "PUT",
  headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
  body: JSON.stringify({ issuer, client_id: "muster", client_secret: secret }),
});
if (set.status !== 200) fail(`the settings were answered ${set.status}: ${await set.text()}`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});

// Signs in there as somebody; answers the page that comes of it.
async function signIn(context, name, address = "/sign-in") {
  const page = await context.newPage();
  await page.goto(muster + address);
  if (address === "/sign-in") await page.click("text=Sign in with your identity provider");
  for (let step = 0; step < 6 && new URL(page.url()).origin === issuer; step += 1) {
    if ((await page.locator("input[name=login]").count()) > 0) {
      await page.fill("input[name=login]", name);
      await page.fill("input[name=password]", "anything");
    }
    await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
  }
  return page;
}

const context = await browser.newContext();
const page = await signIn(context, "subject-of-ana");
if (new URL(page.url()).pathname !== "/o/default/profile") fail(`ended at ${page.url()}: ${await page.textContent("main")}`);
if (!(await page.textContent("main")).includes("ana@example.com")) fail("somebody else was signed in");
await page.screenshot({ path: join(pictures, "signed-in.png"), fullPage: true });

// What is grave asks for a new proof, which the provider asks the person for.
const again = await signIn(context, "subject-of-ana", "/sign-in/to/default?again=yes");
if (new URL(again.url()).pathname !== "/o/default/profile") fail(`a new proof ended at ${again.url()}: ${await again.textContent("main")}`);

// Somebody the provider knows and Muster does not.
const stranger = await signIn(await browser.newContext(), "somebody-else");
if (!(await stranger.textContent("main")).includes("not known here")) fail(`a stranger ended at ${stranger.url()}`);
await stranger.screenshot({ path: join(pictures, "not-known.png"), fullPage: true });

await browser.close();
server.close();
console.log("  signed in by oidc-provider, again with a new proof, and refused somebody unknown");
process.exit(0);
