"""Users, roles and groups, where the FAB auth manager is installed, as in MWAA's images."""

from __future__ import annotations

import dataclasses

from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table
from mwaa_dr.v_2_4.tables import roles

TO_GROUP = Reference("group_id", "ab_group", Missing.DROP, inserted_only=True)

AB_GROUP = Table("ab_group", Merge.MATCH, key=("name",), surrogate="id")

# As with users: a group that is there already keeps the roles and the members that the target gave.
AB_GROUP_ROLE = Table(
    "ab_group_role",
    Merge.MATCH,
    key=("group_id", "role_id"),
    surrogate="id",
    references=(TO_GROUP, Reference("role_id", "ab_role", Missing.DROP)),
)

AB_USER_GROUP = Table(
    "ab_user_group",
    Merge.MATCH,
    key=("user_id", "group_id"),
    surrogate="id",
    references=(Reference("user_id", "ab_user", Missing.DROP, inserted_only=True), TO_GROUP),
)

ROLES = tuple(
    dataclasses.replace(table, optional=True) for table in (*roles.ROLES, AB_GROUP, AB_GROUP_ROLE, AB_USER_GROUP)
)
