// What booking answers, by operation of booking.openapi.json.
import { commands, options } from "./decide.mjs";

export function handlersOf(booking) {
  const placeOf = ({ id, body }) => ({
    meeting_id: id, practice: body.practice, mode: body.mode ?? "face_to_face", place: booking.world.diary.place(body),
  });
  const meetingOf = ({ body: { link_worker, starts_at, minutes, sequence }, provisional }) =>
    ({ link_worker, starts_at, minutes, sequence, provisional });
  const answerOf = ({ creation: { referral_id }, active, waiting }) => (active
    ? { referral_id, meeting: { ...placeOf(active), ...meetingOf(active) }, waiting: null, expected_by: null }
    : { referral_id, meeting: null, waiting: waiting?.body.reason, expected_by: waiting?.body.expected_by });
  const command = (decide) => ({ params, path, headers, requestBody: body, caller }) => {
    const key = headers["idempotency-key"] && `${caller} ${headers["idempotency-key"]}`;
    const wanted = (it, world) => decide(it, { ...world, id: params.meeting_id, body });
    return booking.command(key, `${path} ${JSON.stringify(body)}`, params, wanted, answerOf);
  };
  const read = (look) => ({ params, query }) => {
    booking.checkOwner();
    return look({ ...params, ...query }, booking.world);
  };
  const times = read(({ meeting_id: id, count, referral_id }, world) =>
    ({ options: options(booking.find({ meeting_id: id, referral_id }), { ...world, id, count }) }));
  return {
    ...Object.fromEntries(Object.entries(commands).map(([name, decide]) => [name, command(decide)])),
    listTimes: times, listOtherTimes: times,
    readCapacity: read(({ locality, weeks = 4 }, { diary, now }) => ({ locality, ...diary.capacity(weeks, now) })),
    readPlace: read((asked) => placeOf(booking.find(asked).meetings.find(({ id }) => id === asked.meeting_id))),
  };
}
