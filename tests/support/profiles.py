"""The smallest profile, framework, contract and return that hold together, as a file would write them."""

from datetime import date

ASSUMED = {"status": "assumed", "note": "for a test"}


def leaf(value, **changes):
    """One assumed leaf."""
    return {"value": value, **ASSUMED, **changes}


def agreement(**changes):
    """An agreement in force."""
    return {
        "reference": "A1",
        "approved_by": "somebody",
        "approved_on": date(2026, 4, 1),
        "expires_on": date(2028, 3, 31),
        "notice_version": 1,
        "gateways": ["an act"],
        **ASSUMED,
        **changes,
    }


def partner(**changes):
    """A police partner with one feed."""
    return {
        "slug": "police",
        "name": "Police",
        "type": "police",
        "feeds": ["police_incidents"],
        "agreement": agreement(),
        **ASSUMED,
        **changes,
    }


def rule(category, **changes):
    """A retention rule of six years from the record's own date."""
    return {
        "category": category,
        "years": 6,
        "trigger": "record_date",
        "trigger_status": "published",
        **ASSUMED,
        **changes,
    }


OWN_RULES = [
    rule(category)
    for category in ("nis_return", "fpd_return", "partner_file", "quarantined_file", "staged_file", "crime_asb")
]


def return_promise(**changes):
    """A return with one field."""
    return {
        "enabled": leaf(value=True),
        "recipient": leaf("the recipient"),
        "comparison_group": leaf(value=True),
        "sign_offs": leaf(2),
        "periods": {"value": [{"code": "H1", "start": "04-01", "end": "09-30"}], **ASSUMED},
        "due_working_days": leaf(30),
        "fields": [{"name": "la_code", **ASSUMED}],
        **changes,
    }


def profile(**changes):
    """A council that takes one feed."""
    rights = dict.fromkeys(
        ("access", "rectification", "restriction", "objection", "objection_to_research", "complaint"), leaf(value=True)
    )
    return {
        "identity": {"slug": "anywhere", "name": leaf("Anywhere Council"), "la_code": leaf("999")},
        "notice": {"file": "anywhere.txt", "version": 1, "in_force_from": leaf(date(2020, 1, 1))},
        "labels": {
            "programme": [leaf("Our Programme")],
            "department": [
                leaf("Old Department", until=date(2018, 1, 8)),
                leaf("New Department", valid_from=date(2018, 1, 8)),
            ],
            "sex": leaf("gender"),
        },
        "purposes": [{"purpose": "identify", **ASSUMED}],
        "data_classes": [{"data_class": "name", **ASSUMED}],
        "partners": [partner()],
        "partners_exhaustive": leaf(value=False),
        "legal": {
            "bases": [{"purposes": ["identify"], "article_6": ["6(1)(e)"], **ASSUMED}],
            "consent": leaf(value=False),
            "mandatory": leaf(value=True),
        },
        "frameworks": [{"code": "TFP2015", "min_problems": 2, **ASSUMED}],
        "criteria_published": leaf(value=False),
        "direct_referral": leaf(value=True),
        "lead_worker": leaf(value=False),
        "claim_model": leaf("none"),
        "matching": {"certain": 0.99, "possible": 0.5, **ASSUMED},
        "returns": {"nis": return_promise()},
        "local_research": {
            "allowed": leaf(value=True),
            "may_reuse_nis_dataset": leaf(value=False),
            "include_not_invited": leaf(value=False),
        },
        "retention": OWN_RULES,
        "rights": {
            **rights,
            "charge": leaf(value=False),
            "reply_within_months": leaf(1),
            "automated_decisions": leaf(value=False),
        },
        "contacts": [
            {"kind": "data_protection", "value": "the officer", **ASSUMED},
            {"kind": "regulator", "value": "the regulator", **ASSUMED},
        ],
        "statistics_preset": leaf("ons_10_5"),
        "uk_only": leaf(value=True),
        "access": {"rule": leaf("need to know"), "mfa": leaf(value=True)},
        **changes,
    }


def indicator(**changes):
    """An indicator that any row of one code fulfils."""
    return {
        "code": "offence",
        "problem": "P1",
        "label": "an offence",
        "feed": "police_incidents",
        "kind": "any_row",
        "where": [{"column": "role", "op": "eq", "value": "offender"}],
        **ASSUMED,
        **changes,
    }


def framework(**changes):
    """Two problems, of which no feed evidences the second."""
    return {
        "code": "TST2020",
        "version": 3,
        "title": "A framework",
        "valid_from": date(2020, 1, 1),
        "min_problems": 2,
        "problems": [{"code": "P1", "label": "crime", **ASSUMED}, {"code": "P2", "label": "health", **ASSUMED}],
        "indicators": [indicator()],
        "without_feed": [{"code": "health", "problem": "P2", "label": "ill health", **ASSUMED}],
        **changes,
    }


def column(name, **changes):
    """A required text column of that name."""
    return {
        "name": name,
        "canonical": name,
        "type": "text",
        "data_class": "reference",
        "sensitivity": "operational",
        "purposes": ["identify"],
        "description": "a column",
        **changes,
    }


def contract(**changes):
    """A feed of three columns."""
    return {
        "feed": "police_incidents",
        "version": "v1",
        "title": "People in incidents",
        "partner_types": ["police"],
        "purposes": ["identify"],
        "key": ["record_ref"],
        "retention": {"category": "crime_asb", "trigger": "event_on"},
        "columns": [
            column("record_ref"),
            column("event_on", type="date"),
            column("role", type="code", codes=["victim", "offender"], data_class="crime_asb"),
        ],
        **changes,
    }


def return_definition(**changes):
    """A return of two fields and one measure."""
    return {
        "code": "tst",
        "version": 1,
        "title": "A return",
        "purpose": "monitor",
        "cohort": "supported",
        "calendar": {
            "periods": [{"code": "H1", "start": "04-01", "end": "09-30"}],
            "due_working_days": 30,
            "status": "assumed",
        },
        "fields": [
            return_field("la_code", required=True),
            return_field("surname", data_class="name"),
            return_field(
                "incidents",
                data_class="crime_asb",
                type="integer",
                feeds=["police_incidents"],
                nulls=["not_collected", "none_recorded"],
            ),
        ],
        "checks": [
            {"code": "E01", "message": "a field is empty"},
            {"code": "Q01", "fields": ["surname"], "message": "a surname is odd"},
        ],
        **changes,
    }


def return_field(name, **changes):
    """A text field of that name."""
    return {"name": name, "data_class": "reference", "type": "text", "source": name, "description": "a field"} | changes
