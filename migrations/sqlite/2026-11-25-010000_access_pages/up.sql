-- Lists are read page by page, in the order of ids or paths, from indexes of what stands now: what has ended is not passed
-- over. Twin of the PostgreSQL migration of this name.
CREATE INDEX assignment_listed ON assignment (organization, id)
    WHERE until_revision = 9223372036854775807;
CREATE INDEX assignment_listed_of_role ON assignment (organization, role, id)
    WHERE until_revision = 9223372036854775807;
DROP INDEX assignment_of_role;
CREATE INDEX assignment_of_role ON assignment (organization, role, scope, id)
    WHERE until_revision = 9223372036854775807;
DROP INDEX assignment_at_scope;
CREATE INDEX assignment_at_scope ON assignment (organization, scope, id)
    WHERE until_revision = 9223372036854775807;
DROP INDEX assignment_of_principal;
CREATE INDEX assignment_of_principal ON assignment (organization, principal, id);
CREATE INDEX service_listed ON service (organization, id)
    WHERE until_revision = 9223372036854775807;
CREATE INDEX scope_listed ON scope (organization, path)
    WHERE until_revision = 9223372036854775807;
CREATE INDEX gate_listed ON gate (organization, scope)
    WHERE until_revision = 9223372036854775807;
