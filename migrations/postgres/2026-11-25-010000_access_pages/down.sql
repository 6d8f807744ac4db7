DROP INDEX gate_listed;
DROP INDEX scope_listed;
DROP INDEX service_listed;
DROP INDEX assignment_of_principal;
CREATE INDEX assignment_of_principal ON assignment (organization, principal);
DROP INDEX assignment_at_scope;
CREATE INDEX assignment_at_scope ON assignment (organization, scope)
    WHERE until_revision = 9223372036854775807;
DROP INDEX assignment_of_role;
CREATE INDEX assignment_of_role ON assignment (organization, role, scope)
    WHERE until_revision = 9223372036854775807;
DROP INDEX assignment_listed_of_role;
DROP INDEX assignment_listed;
