// npm scimmy-routers with what it leaves to its users: a place to keep resources, unique names, and 404.
//
// Usage: node scimmy.mjs PORT TOKEN
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [port, token] = process.argv.slice(2);

function kept(Resource, unique) {
  const resources = new Map();
  const found = (id) => {
    if (!resources.has(id)) throw new SCIMMY.Types.Error(404, null, `${Resource.name} ${id} not found`);
    return resources.get(id);
  };
  SCIMMY.Resources.declare(Resource)
    .egress((resource) => {
      if (resource.id) return found(resource.id);
      const all = [...resources.values()];
      return resource.filter ? resource.filter.match(all) : all;
    })
    .degress((resource) => void (found(resource.id) && resources.delete(resource.id)))
    .ingress((resource, data) => {
      const before = resource.id ? found(resource.id) : undefined;
      const id = before?.id ?? randomUUID();
      const name = data[unique]?.toLowerCase();
      const taken = [...resources.values()].some((other) => other.id !== id && other[unique].toLowerCase() === name);
      if (taken) throw new SCIMMY.Types.Error(409, "uniqueness", `${unique} is taken`);
      const now = new Date().toISOString();
      const meta = { created: before?.meta.created ?? now, lastModified: now };
      const stored = { ...JSON.parse(JSON.stringify(data)), id, meta };
      resources.set(id, stored);
      return stored;
    });
}

SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
kept(SCIMMY.Resources.User, "userName");
kept(SCIMMY.Resources.Group, "displayName");

const app = express();
app.use("/scim", new SCIMMYRouters({
  type: "bearer",
  baseUri: () => "https://scimmy.example",
  handler: (request) => {
    if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("the token is not known");
    return "";
  },
}));
// Longer than the longest request keeps the server busy, so that no connection is closed under a client.
app.listen(Number(port), "127.0.0.1").keepAliveTimeout = 120_000;
