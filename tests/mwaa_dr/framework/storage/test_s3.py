"""What is particular to S3: encryption headers, batches, parts, refusals in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber

from mwaa_dr.framework.errors import MissingObjectError, StorageError
from mwaa_dr.framework.storage import s3 as s3_module
from mwaa_dr.framework.storage.s3 import S3Storage
from mwaa_dr.framework.storage.s3_writer import part_size
from tests.support.s3 import BUCKET, Faults, keys, uploads

MIB = 1 << 20
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def a_storage(client: Any, prefix: str = "data", **more: Any) -> S3Storage:
    return S3Storage(BUCKET, prefix, client=client, **more)


def an_error(code: str, message: str = "no", **headers: str) -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPHeaders": headers}}
    return ClientError(answer, "PutObject")  # type: ignore[arg-type]


def refusing(error: Exception) -> Any:
    """A client whose every call ends in this error."""
    client = boto3.client("s3", region_name="us-east-1", config=Config(signature_version=UNSIGNED))

    def refuse(**_: Any) -> None:
        raise error

    client.meta.events.register("before-send", refuse)
    client.meta.events.register("before-call", refuse)
    return client


@pytest.mark.parametrize("size", [10, 11 * MIB])
def test_a_bucket_that_enforces_sse_kms_takes_every_write(s3: Any, size: int) -> None:
    faults = Faults(s3)
    storage = a_storage(s3, kms_key_arn=KEY)
    with storage.open_writer("x") as writer:
        writer.write(b"x" * size)
    storage.put("latest.json", b"{}")

    writes = [r for operation, r in faults.requests if operation in ("PutObject", "CreateMultipartUpload")]
    assert len(writes) == 2
    for request in writes:
        assert request.headers["x-amz-server-side-encryption"] in ("aws:kms", b"aws:kms")
        assert request.headers["x-amz-server-side-encryption-aws-kms-key-id"] in (KEY, KEY.encode())
    assert s3.head_object(Bucket=BUCKET, Key="data/x")["SSEKMSKeyId"] == KEY


def test_the_checksums_of_the_parts_are_sent_back(s3: Any) -> None:
    part = {"PartNumber": 1, "ETag": '"e"', "ChecksumCRC32": "AAAAAA=="}
    place = {"Bucket": BUCKET, "Key": "data/x"}
    with Stubber(s3) as stub:
        stub.add_response("create_multipart_upload", {"UploadId": "u", "ResponseMetadata": {}})
        stub.add_response("upload_part", {"ETag": '"e"', "ChecksumCRC32": "AAAAAA=="})
        stub.add_response(
            "complete_multipart_upload", {}, {**place, "UploadId": "u", "MultipartUpload": {"Parts": [part]}}
        )
        with a_storage(s3).open_writer("x") as writer:
            writer.write(bytes(5 * MIB))
        stub.assert_no_pending_responses()


def test_without_a_key_the_bucket_decides_about_encryption(s3: Any) -> None:
    faults = Faults(s3)
    a_storage(s3).put("x", b"x")
    assert not any("server-side-encryption" in name for _, r in faults.requests for name in r.headers)


def test_a_prefix_keeps_to_itself(s3: Any) -> None:
    a_storage(s3, "data2").put("x", b"2")
    a_storage(s3, "/data/").put("env/x", b"1")
    assert keys(s3) == ["data/env/x", "data2/x"]
    assert list(a_storage(s3, "data").paths()) == ["env/x"]
    assert list(a_storage(s3, "").paths()) == ["data/env/x", "data2/x"]
    assert a_storage(s3, "data").url == f"s3://{BUCKET}/data"
    assert a_storage(s3, "").url == f"s3://{BUCKET}"


def test_the_parts_of_the_terabytes_are_enough_and_none_is_too_large() -> None:
    assert part_size(1) == 5 * MIB
    assert part_size(1000) == 5 * MIB
    assert part_size(1001) == 10 * MIB
    assert sum(part_size(number) for number in range(1, 10_001)) > 4.8 * 2**40
    assert part_size(10_000) < 5 * 2**30


def test_lists_of_more_than_a_page_are_whole(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "7")
    for number in range(25):
        s3.put_object(Bucket=BUCKET, Key=f"data/b{number:02}/x", Body=b"")
    faults, storage = Faults(s3), a_storage(s3)
    assert list(storage.paths()) == [f"b{number:02}/x" for number in range(25)]
    assert storage.folders() == [f"b{number:02}" for number in range(25)]
    assert faults.calls.count("ListObjectsV2") == 8


def test_folder_markers_are_no_objects(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="data/env/", Body=b"")
    assert list(a_storage(s3).paths()) == []


def test_deletes_go_in_batches(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_module, "DELETE_BATCH", 10)
    faults = Faults(s3)
    storage = a_storage(s3)
    for number in range(25):
        storage.put(f"b/{number}", b"x")
    storage.delete(f"b/{number}" for number in range(25))
    assert keys(s3) == []
    assert faults.calls.count("DeleteObjects") == 3


def test_a_key_that_s3_will_not_delete_is_an_error(s3: Any) -> None:
    with Stubber(s3) as stub:
        refused = [{"Key": "data/b", "Code": "AccessDenied", "Message": "no"}]
        stub.add_response("delete_objects", {"Errors": refused})
        with pytest.raises(StorageError, match=r"cannot delete s3://backups/data/b: AccessDenied"):
            a_storage(s3).delete(["a", "b"])


def test_a_key_that_s3_cannot_delete_just_now_is_tried_again(s3: Any) -> None:
    with Stubber(s3) as stub:
        stub.add_response("delete_objects", {"Errors": [{"Key": "data/b", "Code": "InternalError"}]})
        only_b = {"Objects": [{"Key": "data/b"}], "Quiet": True}
        stub.add_response("delete_objects", {}, {"Bucket": BUCKET, "Delete": only_b})
        a_storage(s3).delete(["a", "b"])
        stub.assert_no_pending_responses()


def test_a_key_that_s3_never_deletes_ends_in_words(s3: Any) -> None:
    with Stubber(s3) as stub:
        for _ in range(3):
            stub.add_response("delete_objects", {"Errors": [{"Key": "data/b", "Code": "InternalError"}]})
        with pytest.raises(StorageError, match="InternalError"):
            a_storage(s3).delete(["a", "b"])


def test_sweep_aborts_the_uploads_of_killed_writers_only(s3: Any) -> None:
    for key in ("data/env/b1/log", "data/other/b1/log"):
        s3.create_multipart_upload(Bucket=BUCKET, Key=key)
    begun = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"][0]["Initiated"]

    a_storage(s3).sweep("env", begun)
    assert len(uploads(s3)) == 2
    a_storage(s3).sweep("env", begun + timedelta(seconds=1))
    assert uploads(s3) == ["data/other/b1/log"]


def test_a_bucket_that_does_not_exist_is_named_by_every_method(s3: Any) -> None:
    storage = S3Storage("no-such-bucket", "data", client=s3)

    def written() -> None:
        with storage.open_writer("x") as writer:
            writer.write(b"x" * 6 * MIB)

    calls: list[Callable[[], object]] = [
        storage.check,
        written,
        lambda: storage.put("x", b"x"),
        lambda: storage.get("x"),
        lambda: storage.size("x"),
        storage.folders,
        lambda: list(storage.paths()),
        lambda: storage.delete(["x"]),
    ]
    for call in calls:
        with pytest.raises(StorageError, match=r"no-such-bucket.*the bucket does not exist") as caught:
            call()
        assert not isinstance(caught.value, MissingObjectError)
        assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (an_error("AccessDenied"), "access is denied"),
        (an_error("403", "Forbidden"), "access is denied"),
        (an_error("NoSuchBucket"), "the bucket does not exist"),
        (an_error("301", **{"x-amz-bucket-region": "eu-west-1"}), r"in another region \(eu-west-1\)"),
        (an_error("AuthorizationHeaderMalformed"), "in another region"),
        (an_error("ExpiredToken"), "credentials have expired"),
        (an_error("InvalidAccessKeyId"), "credentials are not valid"),
        (an_error("SlowDown"), "AWS is throttling"),
        (an_error("KMS.DisabledException"), "KMS key is not enabled"),
        (an_error("Strange", "two\nlines"), r"AWS refused it with Strange \(two lines\)"),
        (NoCredentialsError(), "no AWS credentials were found"),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS cannot be reached"),
        (ConnectTimeoutError(endpoint_url="https://x"), "AWS cannot be reached"),
    ],
)
def test_a_refusal_is_one_clear_line(no_pauses: None, error: Exception, words: str) -> None:
    storage = a_storage(refusing(error))
    for call in (lambda: storage.put("x", b"x"), lambda: storage.get("x"), lambda: list(storage.paths())):
        with pytest.raises(StorageError, match=words) as caught:
            call()
        assert BUCKET in caught.value.message
        assert "\n" not in caught.value.message


def test_what_aws_says_about_a_denial_is_kept_as_a_hint() -> None:
    said = "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: s3:PutObject"
    with pytest.raises(StorageError) as caught:
        a_storage(refusing(an_error("AccessDenied", said))).put("x", b"x")
    assert said in caught.value.hint


def test_a_bucket_name_that_s3_does_not_allow_is_one_clear_line() -> None:
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with pytest.raises(StorageError, match="Invalid bucket name") as caught:
        S3Storage("no such bucket", client=client).check()
    assert "\n" not in caught.value.message


def test_a_client_of_ours_waits_and_retries_within_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    config = S3Storage(BUCKET, region="eu-west-1")._client.meta.config
    assert (config.region_name, config.connect_timeout, config.read_timeout) == ("eu-west-1", 10, 60)
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] > 3
    assert S3Storage(BUCKET)._client.meta.config.region_name == "eu-central-1"
