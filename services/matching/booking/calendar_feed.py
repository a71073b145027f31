"""A link worker's diary as an iCalendar feed (RFC 5545): times, places and references, no identity. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from services.matching.booking.agenda import AgendaDay, AgendaMeeting
from services.matching.booking.appointments import KINDS, Appointment
from shared.platform.web.references import short_reference


def calendar_of(days: Iterable[AgendaDay], now: datetime) -> bytes:
    """The feed of these days of one link worker.

    A meeting is named by the short reference of its case, as a subject line would be. The notes of
    appointments are free text, so they stay here.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Linkwork//Diary//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Linkwork diary")
    for day in days:
        for meeting in day.meetings:
            calendar.add_component(_meeting(meeting, now))
        for appointment in day.appointments:
            calendar.add_component(_appointment(appointment, now))
        if day.away:
            calendar.add_component(_away(day, now))
    feed: bytes = calendar.to_ical()
    return feed


def _meeting(meeting: AgendaMeeting, now: datetime) -> Event:
    ends_at = meeting.starts_at + timedelta(minutes=meeting.minutes)
    reference = short_reference(meeting.referral_id or "")
    event = _event(f"meeting-{meeting.meeting_id}", f"Appointment {reference}", now)
    event.add("dtstart", meeting.starts_at)
    event.add("dtend", ends_at)
    event.add("location", meeting.place)
    if meeting.status == "booked":
        event.add("status", "TENTATIVE" if meeting.provisional else "CONFIRMED")
    if meeting.travel:
        event.add("description", f"{meeting.travel} minutes of travel before and after.")
    return event


def _appointment(appointment: Appointment, now: datetime) -> Event:
    event = _event(f"appointment-{appointment.appointment_id}", KINDS[appointment.kind], now)
    event.add("dtstart", appointment.starts_at)
    event.add("dtend", appointment.ends_at)
    return event


def _away(day: AgendaDay, now: datetime) -> Event:
    event = _event(f"away-{day.link_worker}-{day.day.isoformat()}", "Away", now)
    event.add("dtstart", day.day)
    event.add("dtend", day.day + timedelta(days=1))
    return event


def _event(uid: str, summary: str, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@linkwork")
    event.add("dtstamp", now)
    event.add("summary", summary)
    event.add("class", "PRIVATE")
    return event
