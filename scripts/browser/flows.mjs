// Drives the console as people do, with a fresh server: the first five minutes, then inviting, moving, leaving.
//
//   node flows.mjs LINK SCIM_URL SCIM_TOKEN PROGRAM DATABASE PICTURES
//
// LINK signs the recovery administrator in, SCIM_URL and SCIM_TOKEN are what an identity provider is given, PROGRAM is
// muster, run where its database is, DATABASE the SQLite file, PICTURES a folder. Every page that is reached by a form is examined too. Fails on
// any finding; waits for pages, never for time.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { end, examineBoth, find, look, open, routesOf, watched } from "./looking.mjs";

const [link, scimUrl, scimToken, program, database, pictures] = process.argv.slice(2);
const origin = new URL(link).origin;
const browser = await open(pictures);
let pages = 0;

/** Stops here if something is not as it should be. */
function must(holds, what) {
  if (!holds) {
    find("flow", what);
    end(pictures, "flows", `stopped after ${pages} pages`);
  }
}

const heading = (tab) => tab.locator("h1").innerText();
const text = (tab) => tab.locator("main").innerText();

async function says(tab, sentence) {
  must((await text(tab)).includes(sentence), `${tab.url()} does not say \`${sentence}\`: ${await text(tab)}`);
}

const answered = new Set();

/** Presses what is named and waits for the page that answers; what a form is answered with is examined, each kind once. */
async function press(tab, name, options = {}) {
  const control = tab.locator("main").getByRole(options.role ?? "button", { name, exact: options.exact ?? false });
  const [answer] = await Promise.all([tab.waitForNavigation({ waitUntil: "load" }), control.first().click()]);
  const path = new URL(tab.url()).pathname.replace(/[0-9a-f-]{36}/g, "{id}");
  const kind = `${answer?.request().method()} ${path} ${answer?.status()} ${(await heading(tab)).replace(/\d+/g, "N")}`;
  if (options.role === "link" || options.plain || answered.has(kind)) return;
  answered.add(kind);
  await examineBoth(tab, kind);
}

async function goto(tab, path) {
  const answer = await tab.goto(origin + path);
  must(answer.status() < 500, `${path} answered ${answer.status()}`);
  return answer.status();
}

async function seen(tab, name) {
  pages += 1;
  await look(tab, pictures, `flow-${name}`);
}

/** What an identity provider sends. */
async function scim(method, path, body) {
  const answer = await fetch(scimUrl + path, {
    method,
    headers: { Authorization: `Bearer ${scimToken}`, "Content-Type": "application/scim+json", "User-Agent": "Okta SCIM Client 1.0.0" },
    body: body && JSON.stringify(body),
  });
  const read = await answer.text();
  must(answer.ok, `${method} ${path} answered ${answer.status}: ${read}`);
  return read ? JSON.parse(read) : {};
}

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const person = (given, family) => {
  const userName = `${given}.${family}@example.com`.toLowerCase();
  const emails = [{ value: userName, type: "work", primary: true }];
  return { schemas: [USER], userName, displayName: `${given} ${family}`, name: { givenName: given, familyName: family }, emails, active: true };
};

/** Opens a link that signs in, in a browser of its own. */
async function signIn(url, options = {}) {
  const context = await watched(browser, options);
  const tab = await context.newPage();
  await tab.goto(url);
  await Promise.all([tab.waitForNavigation({ waitUntil: "load" }), tab.locator("main button[type=submit]").click()]);
  return tab;
}

const loginLink = (...who) => execFileSync(program, ["login-link", ...who], { encoding: "utf8" }).match(/http:\S+/)[0];

// ---- The first five minutes: from the printed link to a leaver proven.
const admin = await signIn(link);
must(new URL(admin.url()).pathname === "/o/default", `signing in ended at ${admin.url()}`);
must((await heading(admin)) === "4 steps from proving a leaver", await heading(admin));
await seen(admin, "01-home-of-a-new-organization");
const used = await (await watched(browser)).newPage();
await used.goto(link);
must(!(await text(used)).includes("Sign in to default"), "a link that was used signs in again");
await look(used, pictures, "flow-00-link-used");
await used.goto(`${origin}/sign-in`);
await look(used, pictures, "flow-00-sign-in");

await goto(admin, "/o/default/connections");
await press(admin, "default", { role: "link" });
await says(admin, "Waiting");
await press(admin, "Practise", { role: "link" });
await press(admin, "Practise", { exact: false });
must((await heading(admin)).includes("as"), `practising ended with: ${await heading(admin)}`);
await says(admin, "The scratch organization is removed");
await seen(admin, "02-practised");

const [ana, kofi, lee] = [await scim("POST", "/Users", person("Ana", "Ruiz")), await scim("POST", "/Users", person("Kofi", "Mensah")), await scim("POST", "/Users", person("Lee", "Park"))];
const members = [ana, kofi, lee].map(({ id }) => ({ value: id }));
await scim("POST", "/Groups", { schemas: [GROUP], displayName: "eng-prod", members });
await goto(admin, "/o/default/connections");
await press(admin, "default", { role: "link" });
await says(admin, "Requests arrive and are carried out");
await seen(admin, "03-connection-that-receives");

await goto(admin, "/o/default/gates");
await admin.getByLabel("Project and environment").fill("/billing/production");
await press(admin, "Make it");
await says(admin, "deploy at /billing/production");

await goto(admin, "/o/default/mappings");
await press(admin, "Assign a role", { role: "link" });
await admin.getByLabel("Its name").fill("eng-prod");
await admin.getByLabel("Role").selectOption("deployer");
await admin.getByLabel("Scope").selectOption("/billing");
await press(admin, "See who gains and who loses");
must((await heading(admin)) === "3 people and services gain", `the preview says: ${await heading(admin)}`);
await says(admin, "ana.ruiz@example.com");
await seen(admin, "04-mapping-preview");
await press(admin, "Apply: 3 gain");
await says(admin, "eng-prod");

await goto(admin, "/o/default/gates/at?scope=%2Fbilling%2Fproduction&permission=deploy%3Arun");
must((await heading(admin)) === "3 people can deploy at /billing/production", await heading(admin));
await admin.getByLabel("User name or id").fill("ana.ruiz@example.com");
await press(admin, "Can they deploy?");
must((await heading(admin)).startsWith("Yes"), await heading(admin));
await seen(admin, "05-check-says-yes");
await goto(admin, "/o/default/check?person=nobody&permission=deploy%3Arun&scope=%2Fbilling%2Fproduction");
must((await heading(admin)).startsWith("No"), await heading(admin));

await scim("PATCH", `/Users/${ana.id}`, { schemas: [PATCH], Operations: [{ op: "replace", path: "active", value: false }] });
await goto(admin, "/o/default/check?person=ana.ruiz%40example.com&permission=deploy%3Arun&scope=%2Fbilling%2Fproduction");
must((await heading(admin)).startsWith("No"), "a leaver can deploy");
await seen(admin, "06-check-says-no");
await goto(admin, `/o/default/people/${ana.id}`);
const [download] = await Promise.all([admin.waitForEvent("download"), admin.getByRole("button", { name: /certificate/i }).first().click()]);
const certificate = join(pictures, "flow-certificate.json");
await download.saveAs(certificate);
let verdict = 0;
try {
  execFileSync(program, ["verify", certificate], { encoding: "utf8", stdio: "pipe" });
} catch (error) {
  verdict = error.status;
}
must([0, 3].includes(verdict), `muster verify ended with ${verdict}`);

await goto(admin, "/o/default");
must(!(await heading(admin)).includes("from proving a leaver"), await heading(admin));

// ---- Administrators: a person gets the role, and the last one stays.
await goto(admin, "/o/default/people/new");
await admin.getByLabel("User name").fill("dana");
await admin.getByLabel("Given name").fill("Dana");
await press(admin, "Add the person");
await press(admin, "Give a role", { role: "link" });
await admin.getByLabel("Role").selectOption("admin");
await press(admin, "See what it comes to");
await seen(admin, "07-role-of-a-person");
await press(admin, "the role admin at /");
await says(admin, "admin");
const danaPath = new URL(admin.url()).pathname;
const dana = await signIn(loginLink("dana"));
must(new URL(dana.url()).pathname === "/o/default", `dana ended at ${dana.url()}`);
must((await goto(dana, `${danaPath}/deactivate`)) === 409, "the last administrator may be deactivated");
await says(dana, "only active administrator");
await seen(dana, "08-last-administrator");
must((await goto(dana, `${danaPath}/remove`)) === 409, "the last administrator may be removed");
await says(dana, "only active administrator");
must((await goto(dana, `${danaPath}/remove`)) === 409, "the last administrator may be removed");

// ---- Many at once, from ticks, from a paste, from a file.
for (const name of ["one", "two", "three"]) {
  await goto(dana, "/o/default/people/new");
  await dana.getByLabel("User name").fill(name);
  await press(dana, "Add the person");
}
for (const name of ["first", "second"]) {
  await goto(dana, "/o/default/groups/new");
  await dana.getByLabel("Name", { exact: true }).fill(name);
  await press(dana, "Make the group");
}
await goto(dana, "/o/default/people?source=local");
await dana.getByRole("checkbox", { name: "Everybody on this page" }).check();
await dana.getByRole("checkbox", { name: /Choose Dana/ }).uncheck();
await dana.getByLabel("With those that are ticked").selectOption("join");
await press(dana, "See what becomes of each");
await says(dana, "3 people were ticked");
await dana.getByLabel("The group").selectOption({ label: "first" });
await seen(dana, "09-many-ticked");
await press(dana, "See what becomes of each");
must((await heading(dana)) === "3 people would be added to first", await heading(dana));
await press(dana, "Add 3 people");
must((await heading(dana)) === "3 people were added to first", await heading(dana));
await seen(dana, "10-many-done");

await goto(dana, "/o/default/people/many");
await dana.getByLabel("Who").fill("one, nobody\none");
await dana.getByLabel("Move to another group").check();
await dana.getByLabel("The group").selectOption({ label: "first" });
await dana.getByLabel("Where they move to").selectOption({ label: "second" });
await press(dana, "See what becomes of each");
must((await heading(dana)) === "1 of 3 people would be moved from first to second", await heading(dana));
await says(dana, "Nobody here is called so");
await seen(dana, "11-many-moved");
await press(dana, "Move 1 person");

const table = join(pictures, "flow-people.csv");
writeFileSync(table, "\ufeffName;User Name\r\n\"Two; of many\";two\r\nDana;dana\r\nKofi;kofi.mensah@example.com\r\n");
await goto(dana, "/o/default/people/many");
await dana.getByLabel("Or a file").setInputFiles(table);
await dana.getByLabel("Remove", { exact: true }).check();
await press(dana, "See what becomes of each");
must((await heading(dana)) === "1 of 3 people would be removed", await heading(dana));
await says(dana, "Is the last administrator");
await says(dana, "Comes from default");
await seen(dana, "12-many-removed");
await press(dana, "Remove 1 person");
must((await heading(dana)) === "1 person was removed", await heading(dana));

// ---- Invitations: refused while a connection brings the people, then every reading.
await goto(dana, "/o/default/invitations/new");
await says(dana, "People are not invited here");
await goto(dana, "/o/default/connections");
await press(dana, "default", { role: "link" });
await press(dana, "Pause");
await says(dana, "paused");
await goto(dana, "/o/default/invitations/new");
await dana.getByLabel("E-mail addresses").fill("late@example.com invited@example.com");
await press(dana, "Read the addresses");
await press(dana, "Invite 2 people");
// Three days pass for one of them.
execFileSync("python3", ["-c", "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=30); db.execute(\"UPDATE invitation SET expires_at = created_at + 1 WHERE email = 'late@example.com'\"); db.commit()", database]);
await goto(dana, "/o/default/invitations");
await says(dana, "Expired");
await goto(dana, "/o/default/invitations/new");
const invited = "new@example.com, new@example.com; not-an-address\nlee.park@example.com ana.ruiz@example.com\nMax Moss <max@example.com>\nlate@example.com, invited@example.com; somebody@elsewhere.example";
await dana.getByLabel("E-mail addresses").fill(invited);
await dana.getByLabel("first", { exact: true }).check();
await press(dana, "Read the addresses");
for (const reading of ["Ready", "The same as number 1", "Not an address", "Already a member", "Deactivated here", "Already invited, until", "Invitation expired on", "a new link is sent", "elsewhere.example is not among the allowed domains", "3 can be invited, 6 cannot"]) await says(dana, reading);
await seen(dana, "13-invitation-readings");
await press(dana, "Drop the 6");
await press(dana, "Invite 3 people");
must((await heading(dana)) === "3 people were invited", await heading(dana));
await seen(dana, "14-invited");
const join1 = (await text(dana)).match(/http:\/\/\S+\/join\/\S+/)[0];
await goto(dana, "/o/default/invitations/new");
await dana.getByLabel("E-mail addresses").fill("new@example.com");
await press(dana, "Read the addresses");
await says(dana, "Already invited");
await goto(dana, "/o/default/invitations");
await seen(dana, "15-invitations");

// ---- Whoever joins has the own profile and nothing else.
const joining = await (await watched(browser)).newPage();
await joining.goto(join1);
await says(joining, "The address cannot be changed");
await look(joining, pictures, "flow-16-join");
await joining.getByLabel("Given name").fill("<b>New</b>");
await joining.getByLabel("Family name").fill("Person");
await press(joining, /^Join/);
must(new URL(joining.url()).pathname === "/o/default/profile", `joining ended at ${joining.url()}`);
await says(joining, "<b>New</b>");
await look(joining, pictures, "flow-17-profile");
for (const { route } of routesOf(join(import.meta.dirname, "../../src/http/console"))) {
  if (!route.startsWith("/o/{organization}/") || route.endsWith("/profile")) continue;
  const path = route.replace("{organization}", "default").replace(/\{[^}]+\}/g, lee.id);
  must((await goto(joining, path)) === 403, `somebody without rights sees ${path}`);
}
await look(joining, pictures, "flow-17-no-right");
await goto(joining, "/o/default");
must(new URL(joining.url()).pathname === "/o/default/profile", `somebody without rights ended at ${joining.url()}`);

// ---- Rules: a ready guardrail, an error in place, a role of one's own.
await goto(dana, "/o/default/guardrails");
await press(dana, /Freeze for a while/, { role: "link" });
await dana.getByLabel("From (UTC)").fill("2020-01-01T00:00");
await dana.getByLabel("Up to (UTC)").fill("2999-01-01T00:00");
await dana.getByLabel("Why").fill("The year is closed.");
await dana.getByLabel("Control").fill("C-7");
await seen(dana, "18-guardrail-ready");
await press(dana, "See who loses what");
must((await text(dana)).includes("2 people and services lose"), await text(dana));
await seen(dana, "19-guardrail-rehearsed");
await press(dana, /^Save/);
await goto(dana, "/o/default/guardrails/new");
await dana.getByLabel("Cedar").fill('@id("x")\n@reason("x")\n@control("x")\nforbid (principal, action == Action::"nothing", resource);');
await press(dana, "Validate and rehearse");
await says(dana, "Line 4, column");
await seen(dana, "20-guardrail-error");
await goto(dana, "/o/default/guardrails/freeze-window/remove");
await press(dana, "Switch freeze-window off");
await says(dana, "forbids nothing any more");
await goto(dana, "/o/default/roles");
await dana.getByLabel("Its name").fill("tester");
await press(dana, "Go on");
await dana.getByRole("checkbox", { name: "build:view" }).check();
await press(dana, "See who gains and who loses");
await seen(dana, "21-role-preview");
await press(dana, "Apply");
await says(dana, "Version 1");

// ---- Themes: what is chosen stays.
await dana.getByRole("button", { name: "Dark" }).click();
await dana.waitForFunction(() => document.documentElement.dataset.theme === "dark");
await goto(dana, "/o/default/gates");
must((await dana.evaluate(() => getComputedStyle(document.body).backgroundColor)) !== "rgb(255, 255, 255)", "the dark theme is not kept");
// What follows is looked at in both.
await dana.getByRole("button", { name: "System" }).click();
await dana.waitForFunction(() => document.documentElement.dataset.theme === "auto");

// ---- A service: made, given a role, handed over, stopped, each after a look.
await goto(dana, "/o/default/services");
await press(dana, "Make a service", { role: "link" });
await dana.getByLabel("Name", { exact: true }).fill("nightly-export");
await dana.getByLabel("Owner", { exact: true }).fill("dana");
await dana.getByLabel("Comes after the owner").fill("one");
await seen(dana, "22-service-new");
await press(dana, "Make the service");
await says(dana, "was made. It may do nothing yet");
const servicePath = new URL(dana.url()).pathname;
await press(dana, "Assign a role", { role: "link" });
await dana.getByLabel("Role").selectOption("deployer");
await dana.getByLabel("Scope").selectOption("/billing");
await press(dana, "See who gains and who loses");
await press(dana, "Apply: 1 gain");
await goto(dana, servicePath);
await says(dana, "deploy:run");
await seen(dana, "23-service");
await press(dana, "Hand over", { role: "link" });
await dana.getByLabel("Owner", { exact: true }).fill("one");
await dana.getByLabel("Comes after the owner").fill("");
await press(dana, "See what it comes to");
await says(dana, "answers for");
await seen(dana, "24-service-handed-over");
await press(dana, "Save", { exact: true });
await press(dana, "Stop", { role: "link" });
await says(dana, "cannot be started again");
await seen(dana, "25-service-stopping");
await press(dana, /^Stop/);
await says(dana, "is stopped");

// ---- Two administrators change the same thing: the second sees both versions.
const groupPath = await (async () => {
  await goto(dana, "/o/default/groups?source=local");
  return dana.locator("main").getByRole("link", { name: "first", exact: true }).getAttribute("href");
})();
const connectionPath = await (async () => {
  await goto(dana, "/o/default/connections");
  return dana.locator("main").getByRole("link", { name: "default", exact: true }).getAttribute("href");
})();
await goto(dana, "/o/default/services/new");
await dana.getByLabel("Name", { exact: true }).fill("release-train");
await dana.getByLabel("Owner", { exact: true }).fill("dana");
await press(dana, "Make the service");
const trainPath = new URL(dana.url()).pathname;
const cedar = (reason) => `@id("quiet")\n@reason("${reason}")\n@control("C-8")\nforbid (principal, action == Action::"secret:read", resource);`;
const fill = (label, ...texts) => async (tab, which) => tab.getByLabel(label, { exact: true }).first().fill(texts[which]);
const EDITED = [
  // What it is called, its page, what each of two enters, what is pressed, by the first once more, what the second is told.
  ["gate", "/o/default/gates/at?scope=%2Fbilling%2Fproduction&permission=deploy%3Arun", fill("At least", "1", "2"), ["Save"], [], "Somebody else set this gate"],
  ["person", `${danaPath}/edit`, fill("Title", "Pilot", "Captain"), [/^Save/], [], "By now it is Pilot"],
  ["group", groupPath, fill("Another name", "first crew", "first team"), ["Rename"], [], "It is called “first crew” by now"],
  ["brake", `${connectionPath}/brake`, fill("More than this share of all people, or of its groups, in percent", "20", "30"), [/^Save/], [], "more than 20 %"],
  ["role", "/o/default/roles/tester", async (tab, which) => tab.getByRole("checkbox", { name: ["build:run", "secret:read"][which] }).check(), ["See who gains and who loses"], [/^Apply/], "by now allowed"],
  ["guardrail", "/o/default/guardrails/new", fill("Cedar", cedar("First."), cedar("Second.")), ["Validate and rehearse"], [/^Save/], "was saved since you opened the form"],
  ["service", `${trainPath}/hand-over`, fill("Comes after the owner", "one", "three"), ["See what it comes to", "Save"], [], "Somebody else changed the service"],
];
for (const [name, path, enter, presses, more, sentence] of EDITED) {
  const [first, second] = [await dana.context().newPage(), await dana.context().newPage()];
  for (const [which, tab] of [first, second].entries()) {
    await goto(tab, path);
    await enter(tab, which);
    // Whoever has looked at what it comes to has yet to save it.
    for (const button of presses.slice(0, -1)) await press(tab, button, { plain: true });
  }
  for (const button of [...presses.slice(-1), ...more]) await press(first, button, { plain: true, exact: typeof button === "string" });
  await press(second, presses.at(-1), { plain: true, exact: typeof presses.at(-1) === "string" });
  await says(second, sentence);
  await seen(second, `26-edited-by-two-${name}`);
  await first.close();
  await second.close();
}
const preview = "/o/default/mappings/preview?kind=group&name=second&role=deployer&scope=%2Fbilling&until=&reason=";
const [looked, meanwhile] = [await dana.context().newPage(), await dana.context().newPage()];
for (const tab of [looked, meanwhile]) await goto(tab, preview);
await press(meanwhile, /^Apply/, { plain: true });
await press(looked, /^Apply/, { plain: true });
await says(looked, "changed since you looked");
await seen(looked, "26-moved-since-the-preview");

// ---- Very many leave at once: a brake holds them, until somebody decides.
await goto(dana, connectionPath);
await press(dana, "Resume");
const BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const many = Array.from({ length: 60 }, (_, number) => person(`Many${number}`, "Mistake"));
const hired = await scim("POST", "/Bulk", { schemas: [BULK], Operations: many.map((data, number) => ({ method: "POST", path: "/Users", bulkId: `m${number}`, data })) });
const gone = { schemas: [PATCH], Operations: [{ op: "replace", path: "active", value: false }] };
const paths = hired.Operations.map(({ location }) => `/Users/${location.split("/").at(-1)}`);
await scim("POST", "/Bulk", { schemas: [BULK], Operations: paths.map((path) => ({ method: "PATCH", path, data: gone })) });
// The brake looks every few seconds; the page is loaded until it says so.
let held = null;
for (let times = 0; held === null && times < 300; times += 1) {
  await goto(dana, "/o/default/leavers");
  held = await dana.locator('main a[href*="/quarantines/"]').first().getAttribute("href", { timeout: 200 }).catch(() => null);
}
must(held !== null, "no brake fired");
await seen(dana, "27-leavers-held");
await goto(dana, "/o/default");
await says(dana, "people left at once");
await seen(dana, "27-overview-with-a-quarantine");
await goto(dana, held);
await says(dana, "It was a mistake");
await seen(dana, "28-quarantine");
await press(dana, /^Restore/);
await says(dana, "have again what was cut off");
await seen(dana, "29-quarantine-restored");

// ---- Without JavaScript: move, map, check, sign out.
const plain = await signIn(loginLink("dana"), { javaScriptEnabled: false });
await goto(plain, "/o/default/people/many");
await plain.getByLabel("Who").fill("three");
await plain.getByLabel("Deactivate", { exact: true }).check();
await press(plain, "See what becomes of each", { plain: true });
await press(plain, "Deactivate 1 person", { plain: true });
must((await heading(plain)) === "1 person was deactivated", await heading(plain));
await goto(plain, "/o/default/mappings/new");
await plain.getByLabel("Its name").fill("second");
await plain.getByLabel("Role").selectOption("viewer");
await press(plain, "See who gains and who loses", { plain: true });
await press(plain, "Apply: 1 gain", { plain: true });
await says(plain, "second");
await Promise.all([plain.waitForNavigation(), plain.getByRole("button", { name: "Sign out" }).click()]);
must((await goto(plain, "/o/default")) === 200 && new URL(plain.url()).pathname === "/sign-in", `signing out ended at ${plain.url()}`);

await browser.close();
end(pictures, "flows", `the console driven over ${pages} pages`);
