/**
 * Which fields of events tell of a person. A schema marks them where it declares them, and whatever seals, opens or
 * forgets them goes by the mark alone, so that a new field is protected by one word. The person is always the one that
 * the event's `globalUserId` names; an event that names none has nothing personal in it. docs/personal-data.md says how.
 */
import { z } from 'zod'

/**
 * Marks text of an event as personal: stored sealed with the key of the person, and gone once that key is destroyed.
 * Only members of the event's data itself can be marked, not members of members.
 */
export const personal = <S extends z.ZodString | z.ZodNullable<z.ZodString>>(schema: S): S =>
  schema.meta({ personal: true }) as S

export interface PersonalField {
  name: string
  /** Whether the field can say nothing; what is forgotten reads null then. */
  nullable: boolean
}

/** The marked fields of an event's schema. */
export function personalFields(schema: z.ZodType): PersonalField[] {
  if (!(schema instanceof z.ZodObject)) return []
  return Object.entries(schema.shape as Record<string, z.ZodType>)
    .filter(([, field]) => field.meta()?.personal === true)
    .map(([name, field]) => ({ name, nullable: field.safeParse(null).success }))
}

/** An event of this type says that a person's key has been destroyed. One name in every context, whatever its version. */
export const isForgetting = (type: string): boolean => /^[a-z]+\.UserForgotten\.v\d+$/.test(type)
