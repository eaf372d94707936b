/** What the console refuses by codes of its own; a context's codes come from the context's table. */
import { z } from '@hono/zod-openapi'
import type { ConsoleRejectionCode } from '../../commands/console/rejection.ts'
import { type ErrorTable, type KernelCode, kernelErrors, problemDocument } from '../errors.ts'

export type ConsoleCode =
  | ConsoleRejectionCode
  | 'form_foreign'
  | 'console_read_only'
  | 'reason_missing'
  | 'confirmation_missing'
  | 'action_impossible'
  | 'followers_full'

const help: Readonly<Record<Exclude<ConsoleCode, KernelCode>, string>> = {
  access_link_not_found: 'A link works once and for minutes. Make another with `opslog console`.',
  form_foreign: 'Open the page in this browser and send its form from there. Other sites send no forms here.',
  console_read_only: 'The session can look at everything and change nothing. Sign in by a link without `--read-only`.',
  reason_missing: 'The action goes on record with a reason. Say why, and send the form again.',
  confirmation_missing: 'It cannot be undone, so that the name has to be typed as the page shows it.',
  action_impossible: 'The thing has changed since the page was made. Look at it again.',
  followers_full:
    'Too many pages follow the log at present. Close some, or look again later; the page itself stays true.',
}

export const errors: ErrorTable<ConsoleCode> = {
  codes: {
    ...kernelErrors,
    reason_missing: { status: 400, title: 'A reason is needed' },
    confirmation_missing: { status: 400, title: 'The name was not typed as it is' },
    form_foreign: { status: 403, title: 'The form comes from elsewhere' },
    console_read_only: { status: 403, title: 'The session is for looking' },
    access_link_not_found: { status: 404, title: 'The link does not work' },
    action_impossible: { status: 409, title: 'That cannot be done now' },
    followers_full: { status: 503, title: 'Too many pages follow the log', retryAfterS: 30 },
  },
  help,
  body: problemDocument,
  schema: z.looseObject({}),
  mediaType: 'application/problem+json',
}
