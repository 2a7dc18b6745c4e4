"""Custom resource: the interface endpoint of Step Functions in a VPC, adopted or made, open for HTTPS from the VPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.functions import https_rules
from lib.functions.aws import client, error_code
from lib.functions.cfn import Request, Result, serve
from lib.functions.errors import Misconfigured, NotReady
from lib.functions.log import logger

CREATED = "mwaa-dr"
"""The tag of an endpoint that one of our stacks made; its value is `created`."""

USED_BY = "mwaa-dr:used-by:"
"""What the tag of each stack begins with that uses an endpoint: the last one takes it away."""

_log = logger(__name__)


def act(request: Request) -> Result:
    """Properties: Region, VpcId, SubnetIds, SecurityGroupIds, Owner. Attribute: `Endpoint`, its id.

    An endpoint with private DNS that is there is used: a VPC takes no second one for a service.
    """
    properties = request.properties
    ec2 = client("ec2", properties["Region"], read=20)
    if request.kind == "Delete":
        _leave(ec2, request.physical_id, properties)
        return Result(request.physical_id)
    endpoint = _find(ec2, properties) or _make(ec2, properties)
    _check_state(endpoint)
    groups = [group["GroupId"] for group in endpoint["Groups"]]
    https_rules.open_for(ec2, properties["VpcId"], groups, owner=properties["Owner"])
    tag = {"Key": USED_BY + properties["Owner"], "Value": "yes"}
    ec2.create_tags(Resources=[endpoint["VpcEndpointId"]], Tags=[tag])
    return Result(endpoint["VpcEndpointId"], {"Endpoint": endpoint["VpcEndpointId"]})


def _find(ec2: Any, properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The endpoint with private DNS; one of our own that has just been made included."""
    filters = [
        {"Name": "vpc-id", "Values": [properties["VpcId"]]},
        {"Name": "service-name", "Values": [_service(properties["Region"])]},
        {"Name": "vpc-endpoint-type", "Values": ["Interface"]},
    ]
    found: list[Mapping[str, Any]] = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    live = [one for one in found if one["PrivateDnsEnabled"] and one["State"].lower() not in ("deleted", "deleting")]
    return live[0] if live else None


def _service(region: str) -> str:
    china = "cn." if region.startswith("cn-") else ""
    return f"{china}com.amazonaws.{region}.states"


def _make(ec2: Any, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    tags = [{"Key": "Name", "Value": f"{properties['Owner']}-states"}, {"Key": CREATED, "Value": "created"}]
    made: Mapping[str, Any] = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface",
        VpcId=properties["VpcId"],
        ServiceName=_service(properties["Region"]),
        SubnetIds=[*properties["SubnetIds"]],
        SecurityGroupIds=[*properties["SecurityGroupIds"]],
        PrivateDnsEnabled=True,
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}],
    )["VpcEndpoint"]
    _log.info("the endpoint is made", extra={"endpoint": made["VpcEndpointId"]})
    return made


def _check_state(endpoint: Mapping[str, Any]) -> None:
    """Raise NotReady until it works, Misconfigured when it never will."""
    state, id_ = endpoint["State"].lower(), endpoint["VpcEndpointId"]
    if state == "pending":
        raise NotReady(f"the endpoint {id_} is pending")
    if state != "available":
        why = endpoint.get("LastError", {}).get("Message", "no reason is given")
        raise Misconfigured(f"the endpoint {id_} of Step Functions is {state}: {why}")


def _leave(ec2: Any, endpoint_id: str, properties: Mapping[str, Any]) -> None:
    """Take our rules and our tag away, and the endpoint where one of us made it and no other stack uses it."""
    https_rules.close(ec2, properties["VpcId"], owner=properties["Owner"])
    try:
        found = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    except ec2.exceptions.ClientError as error:
        if error_code(error) == "InvalidVpcEndpointId.NotFound":
            return
        raise
    tags = {tag["Key"]: tag["Value"] for tag in (found[0].get("Tags", []) if found else [])}
    ours = USED_BY + properties["Owner"]
    if any(name.startswith(USED_BY) and name != ours for name in tags) or tags.get(CREATED) != "created":
        _log.info("the endpoint stays for others", extra={"endpoint": endpoint_id})
        if ours in tags:
            ec2.delete_tags(Resources=[endpoint_id], Tags=[{"Key": ours}])
        return
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])


handler = serve(act)
