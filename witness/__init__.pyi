# The types of the library; see __init__.py.
from witness.config import LoadedPolicy as LoadedPolicy
from witness.errors import FetchFailed as FetchFailed
from witness.errors import Incomplete as Incomplete
from witness.errors import InputError as InputError
from witness.errors import Malformed as Malformed
from witness.errors import NotFound as NotFound
from witness.errors import Unverified as Unverified
from witness.errors import WheelwitnessError as WheelwitnessError
from witness.evidence import Artifact as Artifact
from witness.evidence import Rejection as Rejection
from witness.evidence import Silence as Silence
from witness.library import check as check
from witness.library import judge as judge
from witness.library import load_policy as load_policy
from witness.library import verify as verify
from witness.observation import Level as Level
from witness.policy import Policy as Policy
from witness.report.model import Report as Report
from witness.report.model import Row as Row
from witness.verdict import Outcome as Outcome
from witness.verdict import Verdict as Verdict
from witness.vote import Voice as Voice

__version__: str
