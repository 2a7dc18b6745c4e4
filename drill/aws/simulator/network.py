"""EC2: a second CIDR block of a VPC, duplicate rules, and interface endpoints with private DNS, of which one is enough.

AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/: API_AssociateVpcCidrBlock.html, errors-overview.html
(InvalidPermission.Duplicate), API_CreateVpcEndpoint.html and API_DescribeVpcEndpoints.html (filters); a conflicting
private DNS name is InvalidParameter, see https://docs.aws.amazon.com/vpc/latest/privatelink/troubleshooting.html.
"""

from __future__ import annotations

from typing import Any

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

Answer = tuple[int, dict[str, str], bytes]

FILTERS = {
    "vpc-id": "VpcId",
    "service-name": "ServiceName",
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-state": "State",
    "vpc-endpoint-type": "VpcEndpointType",
}


def mend() -> None:
    """Replace what is missing or too kind."""
    authorize, fields = ec2._authorize_sg_ingress, ec2._vpc_fields_xml
    endpoint_fields, create_by_template = ec2._vpce_fields_xml, provisioners._ec2_vpc_endpoint_create

    def authorize_once(parameters: dict[str, Any]) -> Answer:
        group = ec2._security_groups.get(ec2._p(parameters, "GroupId"))
        wanted = ec2._parse_ip_permissions(parameters, "IpPermissions")
        if group and any(ec2._rules_match(rule, known) for rule in wanted for known in group["IpPermissions"]):
            words = "the specified rule already exists"
            return ec2._error("InvalidPermission.Duplicate", words, 400)  # type: ignore[no-any-return]
        return authorize(parameters)  # type: ignore[no-any-return]

    def fields_with_all_blocks(vpc: dict[str, Any], tag: str = "item") -> str:
        more = "".join(_block(block, number) for number, block in enumerate(vpc.get("_more_blocks", [])))
        return str(fields(vpc, tag)).replace("</cidrBlockAssociationSet>", f"{more}</cidrBlockAssociationSet>")

    def endpoint_fields_with_dns(endpoint: dict[str, Any], tag: str = "item") -> str:
        groups = "".join(f"<item><groupId>{group}</groupId></item>" for group in endpoint.get("SecurityGroupIds", []))
        has_dns = str(bool(endpoint.get("PrivateDnsEnabled"))).lower()
        more = f"<privateDnsEnabled>{has_dns}</privateDnsEnabled><groupSet>{groups}</groupSet>"
        return str(endpoint_fields(endpoint, tag)).replace(f"</{tag}>", f"{more}</{tag}>")

    def create_by_template_once(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        refused = _conflict(properties)
        if refused:
            raise ValueError(refused)
        return create_by_template(logical_id, properties, stack)

    ec2._vpc_fields_xml, ec2._vpce_fields_xml = fields_with_all_blocks, endpoint_fields_with_dns
    provisioners._RESOURCE_HANDLERS["AWS::EC2::VPCEndpoint"]["create"] = create_by_template_once
    ec2._ACTION_MAP.update(
        AuthorizeSecurityGroupIngress=authorize_once,
        AssociateVpcCidrBlock=_associate,
        CreateVpcEndpoint=_create,
        DescribeVpcEndpoints=_describe,
    )


def _block(block: str, number: int) -> str:
    state = "<cidrBlockState><state>associated</state></cidrBlockState>"
    return f"<item><cidrBlock>{block}</cidrBlock><associationId>vpc-cidr-assoc-{number}</associationId>{state}</item>"


def _associate(parameters: dict[str, Any]) -> Answer:
    vpc_id, block = ec2._p(parameters, "VpcId"), ec2._p(parameters, "CidrBlock")
    vpc = ec2._vpcs.get(vpc_id)
    if vpc is None:
        return ec2._error("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist", 400)  # type: ignore[no-any-return]
    blocks = vpc.setdefault("_more_blocks", [])
    blocks.append(block)
    made = _block(block, len(blocks) - 1).replace("item>", "cidrBlockAssociation>")
    answer: Answer = ec2._xml(200, "AssociateVpcCidrBlockResponse", f"<vpcId>{vpc_id}</vpcId>{made}")
    return answer


def _conflict(wanted: dict[str, Any]) -> str:
    """Why an endpoint cannot have the private DNS name that it wants."""
    if not wanted.get("PrivateDnsEnabled"):
        return ""
    for known in ec2._vpc_endpoints.values():
        same = all(known.get(name) == wanted.get(name) for name in ("VpcId", "ServiceName"))
        if same and known.get("PrivateDnsEnabled"):
            return (
                f"private-dns-enabled cannot be set because there is already a conflicting DNS domain "
                f"for {wanted['ServiceName']} in the VPC {wanted['VpcId']}"
            )
    return ""


def _create(parameters: dict[str, Any]) -> Answer:
    is_interface = ec2._p(parameters, "VpcEndpointType") == "Interface"
    wanted = {
        "VpcId": ec2._p(parameters, "VpcId"),
        "ServiceName": ec2._p(parameters, "ServiceName"),
        # AWS: private DNS is on by default for an interface endpoint.
        "PrivateDnsEnabled": is_interface and ec2._p(parameters, "PrivateDnsEnabled", "true") == "true",
        "SecurityGroupIds": ec2._parse_member_list(parameters, "SecurityGroupId"),
    }
    refused = _conflict(wanted)
    if refused:
        return ec2._error("InvalidParameter", refused, 400)  # type: ignore[no-any-return]
    before = set(ec2._vpc_endpoints.keys())
    ec2._create_vpc_endpoint(parameters)
    made = next(endpoint for name, endpoint in ec2._vpc_endpoints.items() if name not in before)
    made.update(wanted)
    answer: Answer = ec2._xml(200, "CreateVpcEndpointResponse", ec2._vpce_fields_xml(made, tag="vpcEndpoint"))
    return answer


def _describe(parameters: dict[str, Any]) -> Answer:
    ids = ec2._parse_member_list(parameters, "VpcEndpointId")
    filters = ec2._parse_filters(parameters)
    missing = [name for name in ids if name not in ec2._vpc_endpoints]
    if missing:
        words = f"The Vpc Endpoint Id '{missing[0]}' does not exist"
        return ec2._error("InvalidVpcEndpointId.NotFound", words, 400)  # type: ignore[no-any-return]
    found = "".join(
        ec2._vpce_fields_xml(endpoint)
        for endpoint in ec2._vpc_endpoints.values()
        if (not ids or endpoint["VpcEndpointId"] in ids)
        and all(endpoint[FILTERS[name]] in values for name, values in filters.items() if name in FILTERS)
    )
    answer: Answer = ec2._xml(200, "DescribeVpcEndpointsResponse", f"<vpcEndpointSet>{found}</vpcEndpointSet>")
    return answer
