/** An auditor's key as text: `audit_<id>_<secret><check>`. */
import { type GeneratedKey, generateKey, parseKey } from '../key-text.ts'

const PREFIX = 'audit'

export const generateAuditorKey = (): GeneratedKey => generateKey(PREFIX)

/** The id that a key names, or undefined where the text is no auditor's key. */
export function auditorKeyIdOf(text: string): string | undefined {
  const parsed = parseKey(text)
  return parsed?.prefix === PREFIX ? parsed.keyId : undefined
}
