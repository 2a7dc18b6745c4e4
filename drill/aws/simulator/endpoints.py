"""EC2: interface endpoints with their groups and private DNS, found by filters; a VPC has one for a service's name.

AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html and
https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html.
"""

from __future__ import annotations

from typing import Any

from ministack.services import ec2

Parameters = dict[str, Any]

FILTERS = {"vpc-id": "VpcId", "service-name": "ServiceName", "vpc-endpoint-type": "VpcEndpointType"}


def mend() -> None:
    """Wrap how an endpoint is made, found and told of."""
    make, tell = ec2._create_vpc_endpoint, ec2._vpce_fields_xml

    def create(parameters: Parameters) -> Any:
        wanted = ec2._p(parameters, "PrivateDnsEnabled").lower() == "true"
        service = ec2._p(parameters, "ServiceName")
        if wanted and any(_has_name(one, ec2._p(parameters, "VpcId"), service) for one in _all()):
            words = f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {service}"
            return ec2._error("InvalidParameter", words, 400)
        before = {one["VpcEndpointId"] for one in _all()}
        make(parameters)
        (made,) = (one for one in _all() if one["VpcEndpointId"] not in before)
        made["PrivateDnsEnabled"] = wanted
        made["Groups"] = ec2._parse_member_list(parameters, "SecurityGroupId")
        return ec2._xml(200, "CreateVpcEndpointResponse", ec2._vpce_fields_xml(made, tag="vpcEndpoint"))

    def fields(endpoint: dict[str, Any], tag: str = "item") -> str:
        groups = "".join(f"<item><groupId>{group}</groupId></item>" for group in endpoint.get("Groups", ()))
        is_private = str(endpoint.get("PrivateDnsEnabled", False)).lower()
        more = f"<groupSet>{groups}</groupSet><privateDnsEnabled>{is_private}</privateDnsEnabled>"
        return str(tell(endpoint, tag)).replace("<routeTableIdSet>", f"{more}<routeTableIdSet>")

    ec2._vpce_fields_xml = fields
    ec2._ACTION_MAP |= {"CreateVpcEndpoint": create, "DescribeVpcEndpoints": _describe}


def _all() -> list[dict[str, Any]]:
    return list(ec2._vpc_endpoints.values())


def _has_name(endpoint: dict[str, Any], vpc_id: str, service: str) -> bool:
    place = (endpoint["VpcId"], endpoint["ServiceName"], endpoint.get("PrivateDnsEnabled"))
    return place == (vpc_id, service, True)


def _describe(parameters: Parameters) -> Any:
    ids, filters = ec2._parse_member_list(parameters, "VpcEndpointId"), ec2._parse_filters(parameters)
    found = [one for one in _all() if not ids or one["VpcEndpointId"] in ids]
    if missing := set(ids) - {one["VpcEndpointId"] for one in found}:
        words = f"The Vpc Endpoint Id '{', '.join(sorted(missing))}' does not exist"
        return ec2._error("InvalidVpcEndpointId.NotFound", words, 400)
    fit = [one for one in found if all(one[FILTERS[name]] in wanted for name, wanted in filters.items())]
    items = "".join(ec2._vpce_fields_xml(one) for one in fit)
    return ec2._xml(200, "DescribeVpcEndpointsResponse", f"<vpcEndpointSet>{items}</vpcEndpointSet>")
