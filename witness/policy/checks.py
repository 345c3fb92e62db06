"""Policies that read well and are refused: nothing could satisfy them, or somebody would have two votes by mistake.

Each check is an `InputError` that names the file and the place in it, by way of the table that it was read from.
"""

from witness.keys import ObservationKey
from witness.note import KeyMaterial, VerifierKey
from witness.policy.values import Policy, TrustedService, TrustedWitness
from witness.spread import spread
from witness.table import Table


def check_witnesses(top: Table, policy: Policy) -> None:
    """Who is named twice, or would have two votes, is refused."""
    if not policy.witnesses:
        problem = (
            "no node is named, and nobody else can dissent" if policy.services else "no witness is named"
        )
        top.refuse(
            "witness",
            problem,
            hint="`wheelwitness trust add URL` adds one, after you have looked at its keys.",
        )
    names: dict[str, int] = {}
    logs: dict[VerifierKey, int] = {}
    for number, witness in enumerate(policy.witnesses, 1):
        where = f"witness[{number}]."
        if (first := names.setdefault(witness.name, number)) != number:
            top.refuse(f"{where}name", f"the same name as witness[{first}]", hint="Name each witness once.")
        if (first := logs.setdefault(witness.identity.log_key, number)) != number:
            top.refuse(
                f"{where}log-key", f"the log of witness[{first}]", hint="Each witness has its own log."
            )
    _check_votes(top, policy)
    _check_services(top, policy)
    _check_spellings(top, policy)
    packages = [item.package for item in policy.exemptions]
    for number, package in enumerate(packages, 1):
        if package in packages[: number - 1]:
            top.refuse(f"exempt[{number}].package", f"{package} twice", hint="Keep one of them.")


def _check_votes(top: Table, policy: Policy) -> None:
    """One operator under two spellings, or one key or identity under two names, would have two votes."""
    spellings: dict[str, str] = {}
    holders: dict[ObservationKey, int] = {}
    cosigners: dict[KeyMaterial, str] = {}
    for number, witness in enumerate(policy.witnesses, 1):
        folded = _folded(witness.operator)
        if spellings.setdefault(folded, witness.operator) != witness.operator:
            problem = f"{witness.operator!r} is also written {spellings[folded]!r}"
            top.refuse(f"witness[{number}].operator", problem, hint="Write an operator's name in one way.")
        for key in witness.identity.keys:
            if holders.setdefault(key, number) != number:
                problem = f"a key that witness[{holders[key]}] has too"
                top.refuse(f"witness[{number}].keys", problem, hint="Each witness signs with its own key.")
        _check_identity(top, number, policy)
        cosigner = witness.identity.cosigner_key
        if cosigner and cosigners.setdefault(cosigner.public_key, witness.operator) != witness.operator:
            problem = f"a key that {cosigners[cosigner.public_key]!r} has too"
            top.refuse(f"witness[{number}].cosigner-key", problem, hint="Each operator cosigns with its own.")


def _check_identity(top: Table, number: int, policy: Policy) -> None:
    identity = policy.witnesses[number - 1].identity.sigstore
    for first, other in enumerate(policy.witnesses[: number - 1], 1):
        if identity and other.identity.sigstore and identity.shares(other.identity.sigstore):
            problem = f"an identity that witness[{first}] has too"
            top.refuse(f"witness[{number}].sigstore", problem, hint="Each witness signs in its own name.")


def _check_services(top: Table, policy: Policy) -> None:
    """What would give one party two votes, and what a service cannot have."""
    before: list[TrustedWitness | TrustedService] = [*policy.witnesses]
    for number, service in enumerate(policy.services, len(before) + 1):
        where = f"witness[{number}]."
        for other in before:
            if other.name == service.name:
                top.refuse(f"{where}name", "the name of another witness", hint="Name each witness once.")
            if other.operator != service.operator and _folded(other.operator) == _folded(service.operator):
                problem = f"{service.operator!r} is also written {other.operator!r}"
                top.refuse(f"{where}operator", problem, hint="Write an operator's name in one way.")
            if set(other.identity.keys) & set(service.identity.keys):
                top.refuse(f"{where}keys", "a key of another witness", hint="Each signs with its own key.")
        if policy.max_attempts is not None:
            problem = "does not say how many attempts it took, and max-attempts asks for that"
            top.refuse(f"{where}kind", problem, hint="Leave out max-attempts, or this witness.")
        before.append(service)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def check_quorum(top: Table, policy: Policy) -> None:
    """Who cosigns under two keys, or under an operator's name, would be taken for two, or for that operator."""
    if policy.quorum is None:
        return
    if policy.cosigners:
        problem = "a number and a quorum"
        top.refuse("cosigners", problem, hint="Leave out cosigners, or cosigner-quorum.")
    owners = {key.public_key: who for who, key in policy.cosigners_known}
    operators = {witness.identity.cosigner_key for witness in policy.witnesses}
    seen: set[str] = set()
    for item in policy.quorum.cosigners:
        who = owners[item.key.public_key]
        if who in seen or (who in policy.operators and item.key not in operators):
            problem = f"{who!r} with two keys, or somebody else under that name"
            top.refuse("cosigner-quorum", problem, hint="Name each once, and not as an operator is named.")
        seen.add(who)


def _check_spellings(top: Table, policy: Policy) -> None:
    """One place under two spellings would count as two."""
    spellings: dict[tuple[str, str], str] = {}
    for number, witness in enumerate(policy.everyone, 1):
        for place, value in witness.traits:
            folded = place, _folded(value)
            if spellings.setdefault(folded, value) != value:
                problem = f"{value!r} is also written {spellings[folded]!r}"
                top.refuse(f"witness[{number}].{place}", problem, hint="Write it in one way.")


def check_reachable(top: Table, policy: Policy) -> None:
    """A policy that nothing can satisfy, or a veto that nobody can cast, is a mistake and is said at once."""
    operators = policy.operators
    dissenting = {witness.operator for witness in policy.witnesses}  # services never do
    for key, value, able in (("threshold", policy.threshold, operators), ("veto", policy.veto, dissenting)):
        if value > len(able):
            who = "named" if key == "threshold" or not policy.services else "named that can dissent"
            problem = f"{value} operators are asked for, and {len(able)} {who}"
            top.refuse(key, problem, hint="An operator has one vote, however many witnesses it runs.")
    countersigning = frozenset(operator for operator, _ in policy.cosigners_known)
    unlogged = {service.operator for service in policy.services}
    countersigned = [
        who for who in operators if who in unlogged or policy.is_cosigned(countersigning - {who})
    ]
    if len(countersigned) < policy.threshold and policy.quorum is not None:
        problem = (
            f"the logs of {len(countersigned)} operators can have it, and threshold is {policy.threshold}"
        )
        top.refuse("cosigner-quorum", problem, hint="Nobody's own cosigner counts for his log.")
    if len(countersigned) < policy.threshold:
        problem = f"no {policy.threshold} operators can have {policy.cosigners} others as cosigners"
        top.refuse("cosigners", problem, hint="Give other operators a cosigner-key, or lower it.")
    _check_independent(top, policy)
    for place, count in policy.diversity:
        if count > policy.threshold:
            problem = f"{count} are asked for, of {policy.threshold} operators"
            top.refuse(f"diversity.{place}", problem, hint="Lower it, or raise threshold.")
        named = spread(((item.operator, item.traits) for item in policy.everyone), place)
        if count > named:
            problem = f"{count} are asked for, and the witnesses' operators have {named}"
            top.refuse(f"diversity.{place}", problem, hint=f"Add {place} to [[witness]] tables, or lower it.")


def _check_independent(top: Table, policy: Policy) -> None:
    if policy.independent > policy.threshold:
        problem = f"{policy.independent} are asked for, of {policy.threshold} operators"
        top.refuse("independent", problem, hint="Lower it, or raise threshold.")
    countersigning = frozenset(who for who, _ in policy.cosigners_known)
    provable = [who for who in policy.operators if policy.proves(countersigning - {who})]
    if len(provable) < policy.independent:
        problem = f"the commitments of {len(provable)} operators can be proven by others"
        top.refuse("independent", problem, hint="Give other operators a cosigner-key, or lower it.")
