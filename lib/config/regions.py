"""Regions and their partitions, as data."""

from __future__ import annotations

PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
"""How a Region's name begins -> its partition; all others are in `aws`."""

SUFFIXES = {"aws-cn": "amazonaws.com.cn"}
"""Partition -> what names of services end with there; all others have that of `aws`, as far as MWAA is there."""

WITNESSES = ("us-west-2", "eu-west-1", "us-east-1")
"""Regions of partition `aws` that no account has to opt in to; one is always a third one."""

MWAA_REGIONS = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
        *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7"),
        *("ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
        *("eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1"),
        *("sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2", "cn-north-1", "cn-northwest-1"),
    }
)
"""Where MWAA is, as known in November 2026; another Region is a warning, never an error."""


def partition_of(region: str) -> str:
    """The partition that a Region is in.

    >>> partition_of("eu-west-1"), partition_of("cn-north-1")
    ('aws', 'aws-cn')
    """
    return next((partition for prefix, partition in PARTITIONS.items() if region.startswith(prefix)), "aws")


def suffix_of(region: str) -> str:
    """What the names of services end with in a Region.

    >>> suffix_of("eu-west-1"), suffix_of("cn-north-1")
    ('amazonaws.com', 'amazonaws.com.cn')
    """
    return SUFFIXES.get(partition_of(region), "amazonaws.com")


def third_region(primary: str, secondary: str) -> str | None:
    """A Region that is neither; None where the partition is not known to have a third one with MWAA.

    >>> third_region("us-west-2", "us-east-2")
    'eu-west-1'
    """
    if partition_of(primary) != "aws":
        return None
    return next(region for region in WITNESSES if region not in (primary, secondary))
