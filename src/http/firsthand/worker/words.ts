/** The words of the document for workers. */
import { exampleTime as at, type Words } from '../../words.ts'
import { words } from '../words.ts'

const { limit, cursor, code, data, details, error, field, has_more, message, next_cursor, object, request_id } = words
const cents = 'in whole US cents'
const submission = 'sub_01KJPV4G8RZ0000000000000001'

export const workerWords: Words = {
  ...({
    limit,
    cursor,
    code,
    data,
    details,
    error,
    field,
    has_more,
    message,
    next_cursor,
    object,
    request_id,
  } as Words),
  'idempotency-key': words['idempotency-key'] ?? '',
  job_id: words.job_id ?? '',
  id: words.id ?? '',
  claim_id: ['The id of the claim.', 'clm_01KJPV4G8RZ0000000000000001'],
  submission_id: ['The id of the submission, the same for all of its attempts.', submission],
  upload_id: ['The id of the upload, good for its claim alone.', 'upl_01KJPV4G8RZ0000000000000001.example'],
  accepted_formats: ['The media types that the job takes.', ['image/png']],
  ai_reasoning: ['Why it has these stars, in a sentence; null: it is not scored.', 'The picture is sharp.'],
  ai_star_rating: ['From 1 to 5; from 3 on it is approved. Null: it is not scored.', 5],
  amount_cents: [`What the submission earned, ${cents}.`, 40],
  approved_count: ['Submissions that were approved so far.', 3],
  attempt: ['Which upload of the submission this is, from 1 to 3.', 1],
  attempts_left: ['How often it can be tried again once it is rejected.', 2],
  balance_cents: [`What the worker is owed, ${cents}.`, 120],
  bytes_max: ['The largest file that is taken, in bytes; less may hold for some of the formats.', 20_971_520],
  content_type: ['The file’s media type, one of those that the job takes.', 'image/png'],
  created_at: ['When it was earned, in UTC.', at(1)],
  currency: 'The currency of all amounts.',
  description: ['What the files are to show.', 'Photos of street signs in daylight'],
  expires_at: ['When the claim lapses and the link ends, in UTC.', at(30)],
  filename: ['The file’s name, up to 255 characters; for display alone.', 'sign.png'],
  files_remaining: ['How many files the job is still missing.', 100],
  headers: ['Headers that the request must have, exactly so.', { 'content-type': 'image/png' }],
  method: 'The method of the request that sends the file.',
  payout_cents: [`What an approved file earns, ${cents}.`, 40],
  'WorkersSubmission.payout_cents': [`What it earned, ${cents}; null: it is not approved.`, null],
  size_bytes: ['The file’s size, in bytes.', 48_211],
  status: 'Where it stands.',
  type: 'What kind it is.',
  url: ['Where to send the file’s bytes.', 'https://opslog.example/firsthand/objects/example'],
}
