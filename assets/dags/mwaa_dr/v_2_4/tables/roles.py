"""Users, roles and permissions; what the target made itself is never overwritten."""

from __future__ import annotations

from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table

AB_PERMISSION = Table("ab_permission", Merge.MATCH, key=("name",), surrogate="id")

AB_VIEW_MENU = Table("ab_view_menu", Merge.MATCH, key=("name",), surrogate="id")

AB_PERMISSION_VIEW = Table(
    "ab_permission_view",
    Merge.MATCH,
    key=("permission_id", "view_menu_id"),
    surrogate="id",
    references=(
        Reference("permission_id", "ab_permission", Missing.DROP),
        Reference("view_menu_id", "ab_view_menu", Missing.DROP),
    ),
)

AB_ROLE = Table("ab_role", Merge.MATCH, key=("name",), surrogate="id")

AB_PERMISSION_VIEW_ROLE = Table(
    "ab_permission_view_role",
    Merge.MATCH,
    key=("permission_view_id", "role_id"),
    surrogate="id",
    references=(
        Reference("permission_view_id", "ab_permission_view", Missing.DROP),
        Reference("role_id", "ab_role", Missing.DROP),
    ),
)

AB_USER = Table(
    "ab_user",
    Merge.MATCH,
    key=("username",),
    other_keys=(("lower(username)",), ("email",)),
    surrogate="id",
    references=(Reference("created_by_fk", "ab_user"), Reference("changed_by_fk", "ab_user")),
    confidential=True,
)

# A user who is there already keeps the roles that the target gave: a restore raises nobody's rights.
AB_USER_ROLE = Table(
    "ab_user_role",
    Merge.MATCH,
    key=("user_id", "role_id"),
    surrogate="id",
    references=(
        Reference("user_id", "ab_user", Missing.DROP, inserted_only=True),
        Reference("role_id", "ab_role", Missing.DROP),
    ),
)

ROLES = (
    AB_PERMISSION,
    AB_VIEW_MENU,
    AB_PERMISSION_VIEW,
    AB_ROLE,
    AB_PERMISSION_VIEW_ROLE,
    AB_USER,
    AB_USER_ROLE,
)
