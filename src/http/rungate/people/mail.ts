/** Whether mails are sent at all. */
import { Problem } from '../../errors.ts'
import type { RungateParts } from '../access.ts'
import type { RungateCode } from '../errors.ts'

/** Throws a Problem (503) where no mail can be sent. */
export function requireMail({ mailWay }: Pick<RungateParts, 'mailWay'>): void {
  if (mailWay === 'off') throw new Problem<RungateCode>('mail_off', 'This installation sends no mails.')
}
