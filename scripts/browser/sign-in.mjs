// Signs in to the console by a certified OpenID Connect provider, npm oidc-provider on this machine, in Chromium.
//
//   node sign-in.mjs MUSTER TOKEN PROVIDER PORT PICTURES
//
// MUSTER is where the server listens, TOKEN one of kind admin, PROVIDER the folder where oidc-provider is installed, PORT
// where it is to listen, PICTURES a folder. A user whose externalId is `subject-of-ana` must be there. Signs in once for
// each way the provider signs its tokens. Every page is examined; fails on any finding.
import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { end, find, look, open, watched } from "./looking.mjs";

const [muster, token, folder, port, pictures] = process.argv.slice(2);
const require = createRequire(join(folder, "node_modules", "x.js"));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const fail = (what) => {
  find("sign-in", what);
  end(pictures, "sign-in", "stopped");
};

const secret = "a secret of this run";
const issuer = `http://127.0.0.1:${port}`;
const ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
const key = (alg) => {
  const [kind, options] = {
    RS256: ["rsa", { modulusLength: 2048 }],
    PS256: ["rsa", { modulusLength: 2048 }],
    ES256: ["ec", { namedCurve: "P-256" }],
    ES384: ["ec", { namedCurve: "P-384" }],
    EdDSA: ["ed25519", {}],
  }[alg];
  return { ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }), alg, kid: alg, use: "sig" };
};
const provider = new Provider(issuer, {
  clients: ALGORITHMS.map((alg) => ({
    client_id: `muster-${alg}`,
    client_secret: secret,
    redirect_uris: [`${muster}/sign-in/to/default/callback`],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    id_token_signed_response_alg: alg,
  })),
  jwks: { keys: ALGORITHMS.map(key) },
  enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true }) }),
});
const server = provider.listen(Number(port), "127.0.0.1");

async function become(client) {
  const set = await fetch(`${muster}/api/v1/identity-provider`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ issuer, client_id: client, client_secret: secret }),
  });
  if (set.status !== 200) fail(`the settings were answered ${set.status}: ${await set.text()}`);
}

const browser = await open(pictures);

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

for (const alg of ALGORITHMS) {
  await become(`muster-${alg}`);
  const context = await watched(browser);
  if (alg === "RS256") {
    const door = await context.newPage();
    await door.goto(`${muster}/sign-in`);
    await look(door, pictures, "sign-in");
  }
  const page = await signIn(context, "subject-of-ana");
  if (new URL(page.url()).pathname !== "/o/default/profile") fail(`${alg}: ended at ${page.url()}: ${await page.textContent("main")}`);
  if (!(await page.textContent("main")).includes("ana@example.com")) fail(`${alg}: somebody else was signed in`);
  await look(page, pictures, `sign-in-${alg}`);
  // What is grave asks for a new proof, which the provider asks the person for.
  const again = await signIn(context, "subject-of-ana", "/sign-in/to/default?again=yes");
  if (new URL(again.url()).pathname !== "/o/default/profile") fail(`a new proof ended at ${again.url()}: ${await again.textContent("main")}`);
  await context.close();
}

// Somebody the provider knows and Muster does not.
const stranger = await signIn(await watched(browser), "somebody-else");
if (!(await stranger.textContent("main")).includes("not known here")) fail(`a stranger ended at ${stranger.url()}`);
await look(stranger, pictures, "sign-in-not-known");

await browser.close();
server.close();
end(pictures, "sign-in", `signed in by oidc-provider with ${ALGORITHMS.join(", ")}, each again with a new proof; somebody unknown was refused`);
