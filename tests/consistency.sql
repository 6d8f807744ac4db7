-- What must hold in every database at every moment, whatever broke before. Each statement answers the rows that break
-- it, as a text named `broken`, and all must answer nothing. Runs on SQLite and PostgreSQL alike.

-- Each user has one event of its creation, and each such event its user.
SELECT 'user without one creation' AS broken FROM scim_user u
LEFT JOIN (SELECT organization, resource_id, count(*) AS times FROM event WHERE action = 'user.created'
    GROUP BY organization, resource_id) e ON e.organization = u.organization AND e.resource_id = u.id
WHERE coalesce(e.times, 0) <> 1;
SELECT 'creation without a user' AS broken FROM event e
LEFT JOIN scim_user u ON u.organization = e.organization AND u.id = e.resource_id
WHERE e.action = 'user.created' AND u.id IS NULL;
SELECT 'group without one creation' AS broken FROM scim_group g
LEFT JOIN (SELECT organization, resource_id, count(*) AS times FROM event WHERE action = 'group.created'
    GROUP BY organization, resource_id) e ON e.organization = g.organization AND e.resource_id = g.id
WHERE coalesce(e.times, 0) <> 1;

-- The version of a user counts the requests that changed it.
SELECT 'user version and events differ' AS broken FROM scim_user u
LEFT JOIN (SELECT organization, resource_id, count(DISTINCT request) AS times FROM event
    WHERE action LIKE 'user.%' AND action NOT IN ('user.suspended', 'user.reinstated') GROUP BY organization, resource_id) e
    ON e.organization = u.organization AND e.resource_id = u.id
WHERE u.version <> coalesce(e.times, 0);

-- The version of a group counts the requests that changed it, and the members it lost because they were deleted.
SELECT 'group version and events differ' AS broken FROM scim_group g
LEFT JOIN (SELECT organization, resource_id, count(DISTINCT request) AS times FROM event
    WHERE action LIKE 'group.%' GROUP BY organization, resource_id) e
    ON e.organization = g.organization AND e.resource_id = g.id
LEFT JOIN (SELECT m.organization, m.group_id, count(*) AS times FROM membership m
    JOIN event d ON d.organization = m.organization AND d.resource_id = m.member_id AND d.revision = m.until_revision
        AND d.action IN ('user.deleted', 'group.deleted')
    GROUP BY m.organization, m.group_id) l ON l.organization = g.organization AND l.group_id = g.id
WHERE g.version <> coalesce(e.times, 0) + coalesce(l.times, 0);

-- A user has one status now, and it is the one its row shows, and intervals follow each other without a gap.
SELECT 'user and status differ' AS broken FROM scim_user u
LEFT JOIN user_status s ON s.organization = u.organization AND s.user_id = u.id
    AND s.until_revision = 9223372036854775807
WHERE s.status IS NULL OR s.status <> CASE WHEN u.deleted_at IS NOT NULL THEN 3 WHEN u.suspended_at IS NOT NULL THEN 4
    WHEN u.active THEN 1 ELSE 2 END;
SELECT 'gap in the history of a status' AS broken FROM user_status s
LEFT JOIN user_status n ON n.organization = s.organization AND n.user_id = s.user_id
    AND n.from_revision = s.until_revision
WHERE s.until_revision <> 9223372036854775807 AND n.user_id IS NULL;
SELECT 'two statuses at once' AS broken FROM user_status WHERE until_revision = 9223372036854775807
GROUP BY organization, user_id HAVING count(*) > 1;
SELECT 'status without an event' AS broken FROM user_status s
LEFT JOIN event e ON e.organization = s.organization AND e.resource_id = s.user_id AND e.revision = s.until_revision
    AND e.action IN ('user.deactivated', 'user.reactivated', 'user.deleted', 'user.suspended', 'user.reinstated')
WHERE s.until_revision <> 9223372036854775807 AND e.id IS NULL;

-- Each membership began, and ended, with an event.
SELECT 'joined without an event' AS broken FROM membership m
LEFT JOIN event e ON e.organization = m.organization AND e.resource_id = m.group_id AND e.revision = m.from_revision
    AND e.action = 'group.members-changed'
WHERE e.id IS NULL;
SELECT 'left without an event' AS broken FROM membership m
LEFT JOIN event e ON e.organization = m.organization AND e.revision = m.until_revision
    AND ((e.action IN ('group.members-changed', 'group.deleted') AND e.resource_id = m.group_id)
        OR (e.action IN ('user.deleted', 'group.deleted') AND e.resource_id = m.member_id))
WHERE m.until_revision <> 9223372036854775807 AND e.id IS NULL;
SELECT 'member that is deleted' AS broken FROM membership m
JOIN scim_user u ON u.organization = m.organization AND u.id = m.member_id
WHERE m.until_revision = 9223372036854775807 AND u.deleted_at IS NOT NULL;

-- Revisions are gapless, and each stands in an event.
SELECT 'revisions and events differ' AS broken FROM organization o
LEFT JOIN (SELECT organization, count(DISTINCT revision) AS number, max(revision) AS last FROM event
    WHERE revision IS NOT NULL GROUP BY organization) e ON e.organization = o.id
WHERE o.revision <> coalesce(e.number, 0) OR o.revision <> coalesce(e.last, 0);

-- Totals are what is there.
SELECT 'total of users is wrong' AS broken FROM organization o
LEFT JOIN (SELECT organization, sum(present) AS present, sum(deleted) AS deleted FROM resource_count
    WHERE resource_kind = 1 GROUP BY organization) c ON c.organization = o.id
LEFT JOIN (SELECT organization, count(*) AS rows, count(deleted_at) AS deleted FROM scim_user GROUP BY organization) u
    ON u.organization = o.id
WHERE coalesce(c.present, 0) <> coalesce(u.rows, 0) - coalesce(u.deleted, 0)
    OR coalesce(c.deleted, 0) <> coalesce(u.deleted, 0);
SELECT 'total of groups is wrong' AS broken FROM organization o
LEFT JOIN (SELECT organization, sum(present) AS present FROM resource_count
    WHERE resource_kind = 2 GROUP BY organization) c ON c.organization = o.id
LEFT JOIN (SELECT organization, count(*) - count(deleted_at) AS present FROM scim_group GROUP BY organization) g
    ON g.organization = o.id
WHERE coalesce(c.present, 0) <> coalesce(g.present, 0);

-- Addresses lead to users who are there.
SELECT 'address of nobody' AS broken FROM user_email a
LEFT JOIN scim_user u ON u.organization = a.organization AND u.id = a.user_id AND u.deleted_at IS NULL
WHERE u.id IS NULL;

-- Nobody is in a group after they were deleted.
SELECT 'member after deletion' AS broken FROM membership m
JOIN user_status s ON s.organization = m.organization AND s.user_id = m.member_id AND s.status = 3
WHERE m.until_revision > s.from_revision;
