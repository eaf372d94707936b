/**
 * Personal fields of events. A schema marks them where it declares them; sealing, opening and forgetting go by the mark
 * alone, so one word protects a new field. A member of the event's data names the person, the one that the context declares.
 * An event that names nobody has nothing personal in it. docs/personal-data.md says more.
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
  /** The field may be null; it reads null once the person is forgotten. */
  nullable: boolean
}

/** The marked fields of an event's schema. */
export function personalFields(schema: z.ZodType): PersonalField[] {
  if (!(schema instanceof z.ZodObject)) return []
  return Object.entries(schema.shape as Record<string, z.ZodType>)
    .filter(([, field]) => field.meta()?.personal === true)
    .map(([name, field]) => ({ name, nullable: field.safeParse(null).success }))
}
