"""Every metric's name and labels, in one place. `locality` is bounded; an id is never a label.

docs/metrics.md is made from this file.
"""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600)

events_consumed = Counter(
    "linkwork_events_consumed_total",
    "Records handled, by what became of them: ok, duplicate, dead_letter.",
    ("service", "event", "locality", "outcome"),
)
event_end_to_end = Histogram(
    "linkwork_event_end_to_end_seconds",
    "From when an event was said (CloudEvents recordedtime) to when it was handled.",
    ("service", "event"),
    buckets=_SECONDS,
)
batch_handling = Histogram(
    "linkwork_batch_handling_seconds",
    "From a batch's arrival to its committed transaction.",
    ("service",),
    buckets=_SECONDS,
)
batch_size = Histogram(
    "linkwork_batch_size",
    "Records in a batch.",
    ("service",),
    buckets=(1, 2, 5, 10, 50, 100, 500, 1000, 2000),
)
batch_retries = Counter(
    "linkwork_batch_retries_total",
    "Batches tried again because something was away or written by somebody else.",
    ("service", "locality", "reason"),
)
dead_letters = Counter(
    "linkwork_dead_letters_total", "Records set aside, by reason.", ("service", "locality", "reason")
)
streams_stopped = Gauge(
    "linkwork_stream_stopped",
    "1 while a locality's stream is stopped because our own code failed many times in a row.",
    ("service", "locality"),
)
stream_mismatch = Gauge(
    "linkwork_stream_mismatch",
    "1 while a locality's stream is stopped because the log is not the one that the database has read.",
    ("service", "locality", "reason"),
)
stream_rewinds = Counter(
    "linkwork_stream_rewinds_total",
    "Times that a stream went back, because another client had committed records that were not handled.",
    ("service", "locality"),
)
records_passed_over = Gauge(
    "linkwork_records_passed_over",
    "Records that another client has committed in the service's group, and that no service handled.",
    ("service", "locality"),
)
topics_missing = Gauge(
    "linkwork_topics_missing", "Event topics of a locality that do not exist.", ("service", "locality")
)
offset_commit_failures = Counter(
    "linkwork_offset_commit_failures_total", "Offset commits that failed.", ("service", "locality")
)
rebalances = Counter("linkwork_rebalances_total", "Partitions given or taken.", ("service", "locality"))
partitions_assigned = Gauge("linkwork_partitions_assigned", "Partitions held.", ("service", "locality"))
consumer_lag = Gauge("linkwork_consumer_lag_records", "Records not handled yet.", ("service", "locality"))
last_progress = Gauge(
    "linkwork_consumer_last_progress_timestamp_seconds",
    "When a locality's stream last handled a batch or was seen to have nothing to do.",
    ("service", "locality"),
)
outbox_pending = Gauge("linkwork_outbox_pending", "Outbox rows not published yet.", ("service",))
outbox_oldest = Gauge(
    "linkwork_outbox_oldest_age_seconds", "Age of the oldest row not published yet.", ("service",)
)
outbox_published = Counter(
    "linkwork_outbox_published_total",
    "Messages published, by result: ok, dead_lettered, failed, set_aside.",
    ("service", "result"),
)
outbox_set_aside = Gauge(
    "linkwork_outbox_set_aside",
    "Outbox rows decided before their part was handed over, and never published.",
    ("service",),
)
part_decides = Gauge(
    "linkwork_part_decides",
    "1 while the service decides as this part in a locality; 0: another owner does, or it is handed over.",
    ("service", "locality", "part"),
)
part_epoch = Gauge(
    "linkwork_part_epoch",
    "The epoch of a part in a locality, by the service's database: the number of its hand-overs.",
    ("service", "locality", "part"),
)
scheduled_tasks_overdue = Gauge(
    "linkwork_scheduled_tasks_overdue", "Scheduled tasks whose time has passed.", ("service",)
)
scheduled_tasks_oldest_overdue = Gauge(
    "linkwork_scheduled_tasks_oldest_overdue_seconds",
    "How long the oldest scheduled task is overdue.",
    ("service",),
)
scheduled_tasks_handled = Counter(
    "linkwork_scheduled_tasks_handled_total",
    "Scheduled tasks handled, by result.",
    ("service", "what", "result"),
)

admission_records = Counter(
    "linkwork_admission_records_total",
    "Records of partners' inboxes judged, by what became of them: accepted, or the code of the refusal.",
    ("locality", "outcome"),
)
admission_seconds = Histogram(
    "linkwork_admission_seconds",
    "From when a partner put a record into its inbox to its acknowledged copy.",
    buckets=_SECONDS,
)

messages_sent = Counter(
    "linkwork_messages_sent_total",
    "Messages that a gateway took.",
    ("locality", "template", "recipient", "channel"),
)
messages_failed = Counter(
    "linkwork_messages_failed_total",
    "Messages given up, by reason.",
    ("locality", "template", "recipient", "reason"),
)
messages_held = Counter(
    "linkwork_messages_held_total", "Messages held back until the quiet hours are over.", ("locality",)
)
contacts_refused = Counter(
    "linkwork_contacts_refused_total",
    "Times that another service refused (403) what a message needs: a set-up to be put right.",
    ("asked",),
)
webhook_attempts = Counter(
    "linkwork_webhook_attempts_total",
    "Attempts to send an event to a partner's endpoint, by outcome: delivered, failed, slow_down, gone.",
    ("locality", "outcome"),
)
webhook_given_up = Counter(
    "linkwork_webhook_given_up_total",
    "Events for an endpoint that were given up after 24 hours of attempts.",
    ("locality",),
)
webhook_endpoints = Gauge(
    "linkwork_webhook_endpoints",
    "Partners' endpoints, by state: enabled, failing, disabled, disabled_failing, disabled_gone.",
    ("locality", "state"),
)
webhook_waiting = Gauge(
    "linkwork_webhook_waiting", "Events that wait for an endpoint of the locality.", ("locality",)
)
webhook_oldest_waiting = Gauge(
    "linkwork_webhook_oldest_waiting_seconds",
    "How long the oldest event has waited for an endpoint of the locality.",
    ("locality",),
)
referral_waiting_oldest = Gauge(
    "linkwork_referral_waiting_oldest_seconds",
    "How long the referral that has waited longest in a locality has had no meeting.",
    ("locality",),
)
referrals_waiting = Gauge("linkwork_referrals_waiting", "Open referrals without a meeting.", ("locality",))
referrals_unanswered = Gauge(
    "linkwork_referrals_unanswered",
    "Open referrals that have neither a meeting nor a reason for none, whoever owns booking.",
    ("locality",),
)
referral_unanswered_oldest = Gauge(
    "linkwork_referral_unanswered_oldest_seconds",
    "How long the oldest of a locality's unanswered referrals has had neither a meeting nor a reason.",
    ("locality",),
)
requests_limited = Counter(
    "linkwork_requests_limited_total",
    "Requests answered with 429, by what was too much: caller, service, address, at_once.",
    ("service", "reason"),
)
requests_under_way = Gauge(
    "linkwork_requests_under_way", "Requests that a process is answering.", ("service",)
)
control_version = Gauge(
    "linkwork_control_version",
    "The version of the programme's table that is in force in a process; 0: that of a file.",
    ("service",),
)
hand_over_since = Gauge(
    "linkwork_hand_over_since_timestamp_seconds",
    "When the hand-over of a part that is under way began, by the table in force; 0: none is.",
    ("service", "locality", "part"),
)
sandbox = Gauge(
    "linkwork_sandbox",
    "1 for each locality that is a sandbox: alert rules leave its series out.",
    ("locality",),
)
heartbeat_answered = Gauge(
    "linkwork_heartbeat_answered_timestamp_seconds",
    "When the last heartbeat was played in a sandbox to which a meeting answered.",
    ("locality",),
)
heartbeats_unanswered = Gauge(
    "linkwork_heartbeats_unanswered",
    "Heartbeats of a sandbox in a row, up to now, to which no meeting answered in time.",
    ("locality",),
)
counts_disagree = Counter(
    "linkwork_counts_disagree_total",
    "Counts on the manager's desk that were not the length of the list they open, at the nightly check.",
    ("locality", "list"),
)
control_refused = Counter(
    "linkwork_control_refused_total",
    "Versions of the table that a process refused, by reason.",
    ("service", "reason"),
)
control_unread = Gauge(
    "linkwork_control_unread",
    "1 while a process cannot follow the control topic, or the topic lacks versions that the process knows.",
    ("service",),
)
