"""The primary stack: backups and their way into the secondary Region."""

from __future__ import annotations

import json

from tests.support.stacks import Template, as_list, joined, synthesised

KEY = "arn:aws:kms:{}:111222333444:key/0f3c0f3c-0f3c-0f3c-0f3c-0f3c0f3c0f3c"
ALIAS = "arn:aws:kms:us-west-2:111222333444:alias/mwaa-team-backup"


def primary(**changes: str | None) -> Template:
    return synthesised(**changes).primary


def test_the_backup_bucket_is_kept_encrypted_versioned_and_private() -> None:
    (bucket,) = primary().resources("AWS::S3::Bucket").values()
    properties = bucket["Properties"]

    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert properties["BucketName"] == "mwaa-team-backup-111222333444-us-east-1"
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(properties["PublicAccessBlockConfiguration"].values())
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def test_the_backup_bucket_takes_tls_only() -> None:
    statements = primary().one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]

    denied = [one["Condition"] for one in statements if one["Effect"] == "Deny" and one["Action"] == "s3:*"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied


def test_no_policy_of_a_bucket_names_a_role() -> None:
    for template in (primary(), synthesised().secondary):
        for policy in template.properties("AWS::S3::BucketPolicy"):
            principals = [one["Principal"] for one in policy["PolicyDocument"]["Statement"]]
            assert [one for one in principals if one != {"AWS": "*"}] == []


def test_backups_are_copied_under_the_key_of_the_other_region() -> None:
    rule = primary().custom("BackupReplication")

    assert rule["Bucket"] == "mwaa-team-backup-111222333444-us-east-1"
    assert rule["DestinationBucket"] == "mwaa-team-backup-111222333444-us-west-2"
    assert (rule["ReplicaKey"], rule["Deletions"]) == (ALIAS, "NO")


def test_a_bucket_that_is_adopted_is_not_bound_to_a_role_that_is_gone() -> None:
    assert "ReplicationConfiguration" not in primary().one("AWS::S3::Bucket")


def test_no_role_has_a_fixed_name() -> None:
    for template in (primary(), synthesised().secondary):
        assert [one["RoleName"] for one in template.properties("AWS::IAM::Role") if "RoleName" in one] == []


def test_the_role_that_copies_backups_uses_both_keys_through_s3_only() -> None:
    (decrypt,) = primary().allowed("kms:Decrypt", of="BackupBucketReplication")
    (encrypt,) = primary().allowed("kms:Encrypt", of="BackupBucketReplication")

    assert decrypt["Condition"]["StringLike"]["kms:ViaService"] == ["s3.us-east-1.amazonaws.com"]
    assert encrypt["Condition"]["StringLike"]["kms:ViaService"] == ["s3.us-west-2.amazonaws.com"]
    assert encrypt["Condition"]["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": "alias/mwaa-team-backup"}


def test_with_backup_retain_no_bucket_and_key_go_with_the_stack() -> None:
    template = primary(BACKUP_RETAIN="NO")
    (bucket,) = template.resources("AWS::S3::Bucket").values()

    assert bucket["DeletionPolicy"] == "Delete"
    assert template.custom("EmptyBucket")["Bucket"] == {"Ref": next(iter(template.resources("AWS::S3::Bucket")))}
    assert template.custom("BackupKey")["Retain"] == "NO"


def test_a_kept_bucket_is_never_emptied() -> None:
    assert primary().resources("Custom::EmptyBucket") == {}
    assert primary().custom("BackupKey")["Retain"] == "YES"


def test_the_dags_bucket_gets_one_rule_of_ours() -> None:
    rule = primary().custom("DagsReplication")

    assert (rule["Bucket"], rule["DestinationBucket"]) == ("primary-dags", "secondary-dags")
    assert (rule["Region"], rule["DestinationRegion"]) == ("us-east-1", "us-west-2")
    assert (rule["RuleId"], rule["ReplicaKey"]) == ("mwaa-dr-mwaa-team-primary", "")
    assert rule["Deletions"] == "YES"


def test_encrypted_dags_are_copied_under_the_key_of_the_other_bucket() -> None:
    theirs, ours = KEY.format("us-west-2"), KEY.format("us-east-1")
    template = primary(PRIMARY_DAGS_KMS_KEY_ARN=ours, SECONDARY_DAGS_KMS_KEY_ARN=theirs)

    assert template.custom("DagsReplication")["ReplicaKey"] == theirs
    assert [one["Resource"] for one in template.allowed("kms:Encrypt", of="DagsReplicationRole")] == [theirs]
    assert [one["Resource"] for one in template.allowed("kms:Decrypt", of="DagsReplicationRole")] == [ours]
    assert [one["Resource"] for one in template.allowed("kms:GenerateDataKey", of="MetadataDags")] == [ours]


def test_a_removed_dag_is_removed_in_the_other_region_and_a_backup_is_not() -> None:
    template = primary()

    assert template.allowed("s3:ReplicateDelete", of="DagsReplicationRole")
    assert template.allowed("s3:ReplicateDelete", of="BackupBucket") == []


def test_the_role_of_others_rules_is_kept_and_its_policy_printed() -> None:
    role = "arn:aws:iam::111222333444:role/theirs"
    template = primary(PRIMARY_DAGS_REPLICATION_ROLE_ARN=role)

    assert template.custom("DagsReplication")["Role"] == role
    policy = json.loads(template.output("PolicyForTheReplicationRole"))
    actions = {action for one in policy["Statement"] for action in as_list(one["Action"])}
    assert actions >= {"s3:ReplicateObject", "s3:GetObjectVersionForReplication", "s3:ReplicateDelete"}
    assert [one["Resource"] for one in template.allowed("iam:PassRole", of="DagsReplication")] == [role]


def test_with_skip_the_replication_of_the_dags_bucket_is_left_alone() -> None:
    template = primary(DAGS_REPLICATION="SKIP")

    assert template.resources("Custom::DagsReplication") == {}
    assert template.resources("Custom::StartOnce") == {}
    assert template.allowed("s3:PutReplicationConfiguration", of="DagsReplication") == []
    assert template.custom("DagPackage")["Prefix"] == "dags/mwaa_dr/"


def test_the_package_comes_after_the_rule_that_copies_it() -> None:
    template = primary(MWAA_DAGS_S3_PATH="path/to/dags")
    (package,) = template.resources("Custom::DagPackage").values()
    (rule,) = template.resources("Custom::DagsReplication")

    assert package["Properties"]["Prefix"] == "path/to/dags/mwaa_dr/"
    assert rule in package["DependsOn"]


def test_the_function_of_the_package_touches_nothing_else() -> None:
    written = primary().allowed("s3:PutObject", of="MetadataDags")

    assert [one["Resource"] for one in written] == ["arn:aws:s3:::primary-dags/dags/mwaa_dr/*"]


def test_existing_objects_are_copied_once_after_the_rule() -> None:
    (start,) = primary().resources("Custom::StartOnce").values()
    (rule,) = primary().resources("Custom::DagsReplication")

    assert rule in start["DependsOn"]
    (create,) = primary().allowed("s3:CreateJob")
    assert create["Condition"] == {"StringEquals": {"s3:RequestJobOperation": "S3ReplicateObject"}}


def test_a_copy_of_existing_objects_that_fails_is_tried_again_and_then_told() -> None:
    template = primary()
    (name,) = [name for name in template.resources("AWS::StepFunctions::StateMachine") if "ExistingDags" in name]
    machine = template.resources("AWS::StepFunctions::StateMachine")[name]["Properties"]
    states = json.loads(joined(machine["DefinitionString"]))["States"]
    (rule,) = [one for name, one in template.resources("AWS::Events::Rule").items() if "ExistingDags" in name]
    (start,) = template.resources("Custom::StartOnce").values()

    for task in ("Start the copy", "Look at the copy"):
        assert any(retrier["ErrorEquals"] == ["States.ALL"] for retrier in states[task]["Retry"])
    pattern = rule["Properties"]["EventPattern"]["detail"]
    assert pattern["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert [joined(arn) for arn in pattern["stateMachineArn"]] == [
        f"arn:aws:states:us-east-1:111222333444:stateMachine:<{name}>"
    ]
    assert any("FailureReport" in other for other in start["DependsOn"])


def test_each_role_is_passed_to_one_service() -> None:
    passed = primary().allowed("iam:PassRole")

    services = {one["Condition"]["StringEquals"]["iam:PassedToService"] for one in passed}
    assert services == {"batchoperations.s3.amazonaws.com", "s3.amazonaws.com"}
    assert all("*" not in joined(resource) for one in passed for resource in as_list(one["Resource"]))


def test_airflow_gets_its_variables_and_its_schedule() -> None:
    settings = primary(PRIMARY_BACKUP_SCHEDULE="@daily", DR_SHRINK_GUARD_PERCENT="40").custom("AirflowSettings")

    assert settings["environment"] == {"name": "mwaa-primary", "region": "us-east-1"}
    assert (settings["backup_dag_id"], settings["schedule"]) == ("backup_metadata", "@daily")
    variables = settings["variables"]
    assert variables["DR_BACKUP_BUCKET"] == "mwaa-team-backup-111222333444-us-east-1"
    assert variables["DR_KMS_KEY_ARNS"] == f"{ALIAS.replace('us-west-2', 'us-east-1')}, {ALIAS}"
    assert variables["DR_SHRINK_GUARD_PERCENT"] == "40"
    assert joined(variables["DR_SNS_TOPIC_ARN"]).startswith("<NotificationsTopic")


def test_airflow_is_told_when_bucket_policy_and_package_are_there() -> None:
    (settings,) = primary().resources("Custom::AirflowSettings").values()
    wanted = [
        *primary().resources("AWS::S3::Bucket"),
        *primary().resources("Custom::DagPackage"),
        next(name for name in primary().resources("AWS::IAM::Policy") if name.startswith("ExecutionRole")),
    ]

    assert [name for name in wanted if name not in settings["DependsOn"]] == []


def test_a_private_web_server_is_asked_from_the_vpc_and_nothing_else_is_in_it() -> None:
    functions = primary().resources("AWS::Lambda::Function")
    networks = {name: one["Properties"].get("VpcConfig") for name, one in functions.items()}
    inside = {name: network for name, network in networks.items() if network}

    assert sorted(name.rstrip("0123456789ABCDEF") for name in inside) == [
        "AirflowCliInsideFunction",
        "FenceDagInsideFunction",
    ]
    for network in inside.values():
        assert network["SubnetIds"] == ["subnet-primary1", "subnet-primary2"]
        assert network["SecurityGroupIds"] == ["sg-primary"]


def test_the_fence_alarms_and_pauses_only_where_it_may() -> None:
    def machine(fence: str) -> str:
        machines = primary(FENCE_PRIMARY=fence).properties("AWS::StepFunctions::StateMachine")
        (found,) = [one for one in machines if one.get("StateMachineName") == "mwaa-team-fence"]
        return joined(found["DefinitionString"])

    assert "Pause all DAGs" in machine("YES")
    assert "Tell that both Regions may run" not in machine("YES")
    assert "Pause all DAGs" not in machine("NO")
    assert "Tell that both Regions may run" in machine("NO")


def test_the_fence_looks_as_often_as_the_configuration_says() -> None:
    schedule = primary(FENCE_INTERVAL_MINS="7").one("AWS::Scheduler::Schedule")

    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(7 minutes)", "ENABLED")


def test_people_hear_when_the_fence_does_not_work_and_where_to_look() -> None:
    alarm = primary(FENCE_INTERVAL_MINS="7").one("AWS::CloudWatch::Alarm")

    assert (alarm["MetricName"], alarm["Period"], alarm["EvaluationPeriods"]) == ("ExecutionsSucceeded", 420, 3)
    assert (alarm["TreatMissingData"], alarm["ComparisonOperator"]) == ("breaching", "LessThanThreshold")
    assert "list-executions --region us-east-1" in alarm["AlarmDescription"]
    (topic,) = primary().resources("AWS::SNS::Topic")
    assert [joined(action) for action in [*alarm["AlarmActions"], *alarm["OKActions"]]] == [f"<{topic}>"] * 2


def test_without_the_database_the_execution_role_may_ask_its_own_airflow_by_rest() -> None:
    def policies(**changes: str) -> str:
        found = primary(MWAA_VERSION="3.2.1", **changes).resources("AWS::IAM::Policy")
        return json.dumps([policy for name, policy in found.items() if name.startswith("ExecutionRole")])

    assert "airflow:InvokeRestApi" not in policies()
    allowed = policies(DR_MODE="CONFIG_ONLY")
    assert "airflow:InvokeRestApi" in allowed
    assert "arn:aws:airflow:us-east-1:111222333444:role/mwaa-primary/Admin" in allowed
    settings = primary(MWAA_VERSION="3.2.1", DR_MODE="CONFIG_ONLY").custom("AirflowSettings")
    assert settings["variables"]["DR_MODE"] == "CONFIG_ONLY"
