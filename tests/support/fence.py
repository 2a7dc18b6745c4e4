"""The fence of a deployment: the state machine in the primary Region that looks whether the primary came back."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.airflow_front import AirflowFront
from tests.support.deployment import ACCOUNT, Deployment
from tests.support.local_aws import Builder
from tests.support.mailbox import Mailbox


@dataclass(frozen=True)
class Fence:
    """The fence of a deployment, in the primary Region."""

    site: Deployment
    mailbox: Mailbox

    @property
    def airflow(self) -> AirflowFront:
        """The Airflow of the primary."""
        return self.site.airflows[self.site.primary.region]

    @property
    def build(self) -> Builder:
        """A builder where the fence is."""
        return Builder(self.site.aws, self.site.primary.region)

    @property
    def machine(self) -> str:
        """The ARN of its state machine."""
        return f"arn:aws:states:{self.site.primary.region}:{ACCOUNT}:stateMachine:{self.site.config.fence_name}"

    def looks(self) -> str:
        """The last state that an execution of it enters."""
        return self.entered(self.build.start(self.machine))[-1]

    def entered(self, arn: str) -> list[str]:
        """The states of an execution that succeeds."""
        found = self.build.ended(arn)
        assert found["status"] == "SUCCEEDED", found
        events = self.build.history(arn)
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def executions(self) -> list[str]:
        """The ARNs of all its executions."""
        found = self.build.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"]
        return [one["executionArn"] for one in found]

    def subjects(self) -> list[str]:
        """What the primary's topic has told since somebody asked."""
        return [mail.subject for mail in self.mailbox.taken()]
