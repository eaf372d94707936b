/** The sample context's persons: members, whose texts are sealed until they are forgotten. */
import { z } from 'zod'
import type { EventOf } from '../../src/events/event.ts'
import { personal } from '../../src/events/personal.ts'

const profile = {
  memberId: z.uuid(),
  tenantId: z.string(),
  email: personal(z.string().nullable()),
  displayName: personal(z.string().nullable()),
}

export const memberEvents = {
  'sample.MemberJoined.v1': z.object(profile),
  'sample.MemberRenamed.v1': z.object(profile),
  /** Its text cannot be null. */
  'sample.LetterSent.v1': z.object({ memberId: z.uuid(), tenantId: z.string(), text: personal(z.string()) }),
  'sample.MemberForgotten.v1': z.object({ memberId: z.uuid(), tenantId: z.string() }),
}
export type MemberEvent = EventOf<typeof memberEvents>

export const MEMBER = 'b1d2c0aa-5a0e-5c1f-8d5b-6e2f0a9d6f22'
const named = { memberId: MEMBER, tenantId: 'acme', email: 'ada@example.com', displayName: 'Ada' }

export const memberJoined = (over: object = {}) => ({
  type: 'sample.MemberJoined.v1' as const,
  data: { ...named, ...over },
})
export const memberRenamed = (over: object = {}) => ({
  type: 'sample.MemberRenamed.v1' as const,
  data: { ...named, displayName: 'Ada Lovelace', ...over },
})
export const letterSent = (over: object = {}) => ({
  type: 'sample.LetterSent.v1' as const,
  data: { memberId: MEMBER, tenantId: 'acme', text: 'Dear Ada', ...over },
})
export const memberForgotten = (over: object = {}) => ({
  type: 'sample.MemberForgotten.v1' as const,
  data: { memberId: MEMBER, tenantId: 'acme', ...over },
})
export const memberExamples = [memberJoined(), memberRenamed(), letterSent(), memberForgotten()] satisfies MemberEvent[]

export const memberStream = (memberId: string): string => `sample.member-${memberId}`
