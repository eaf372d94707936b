/**
 * Storyboards, version 2: a list of scenes in order. A document of version 1, and any text, can be made into one; storyboard-markdown.ts
 * writes one as a text for people.
 */
import { z } from 'zod'

export const SCENES_MAX = 200
const SHOTS_MAX = 200
const ID_LENGTH_MAX = 100
const TITLE_LENGTH_MAX = 500
const TEXT_LENGTH_MAX = 20_000
const DURATION_MAX_S = 86_400

const id = z.string().min(1).max(ID_LENGTH_MAX)
const title = z.string().max(TITLE_LENGTH_MAX)
const text = z.string().max(TEXT_LENGTH_MAX)
const durationSeconds = z.number().positive().max(DURATION_MAX_S)

/** Counted before anything looks at its elements. */
const listOf = <S extends z.ZodType>(element: S, max: number) =>
  z
    .custom<unknown[]>((given) => Array.isArray(given) && given.length <= max, `must be a list of at most ${max}`)
    .pipe(z.array(element))

/** Members beyond these are kept as they are. */
const shot = z.looseObject({
  ...{ id: id.optional(), title: title.optional(), prompt: text.optional(), notes: text.optional() },
  durationSeconds: durationSeconds.optional(),
})
const scene = z.looseObject({
  ...{ id, title, prompt: text.optional(), durationSeconds: durationSeconds.optional(), notes: text.optional() },
  shots: listOf(shot, SHOTS_MAX).optional(),
})
export type Scene = z.infer<typeof scene>

export const storyboardSchema = z
  .looseObject({ version: z.literal(2), title: title.optional(), scenes: listOf(scene, SCENES_MAX) })
  .superRefine(({ scenes }, { addIssue }) => {
    const seen = new Set<string>()
    for (const [index, each] of scenes.entries()) {
      if (seen.has(each.id)) {
        addIssue({ code: 'custom', path: ['scenes', index, 'id'], message: 'is the id of another scene too' })
      }
      seen.add(each.id)
    }
  })
export type Storyboard = z.infer<typeof storyboardSchema>

export const emptyStoryboard = (titled: string): Storyboard => ({ version: 2, title: titled, scenes: [] })

/** What is wrong with a document, as a pointer and a sentence. */
export interface StoryboardFault {
  pointer: string
  detail: string
}

/** The document, or what is wrong with it. */
export function readStoryboard(given: unknown): Storyboard | StoryboardFault {
  const read = storyboardSchema.safeParse(given)
  if (read.success) return read.data
  const [issue] = read.error.issues
  return {
    pointer: ['', ...(issue?.path ?? [])].join('/'),
    detail: issue?.message ?? 'is no storyboard of version 2',
  }
}

export const isFault = (read: Storyboard | StoryboardFault): read is StoryboardFault =>
  'detail' in read && 'pointer' in read

type Members = Readonly<Record<string, unknown>>
const membersOf = (given: unknown): Members =>
  typeof given === 'object' && given !== null && !Array.isArray(given) ? (given as Members) : {}

const firstText = (members: Members, ...names: string[]): string | undefined => {
  for (const name of names) {
    const found = members[name]
    if (typeof found === 'string' && found.trim() !== '') return found
  }
  return undefined
}

const firstNumber = (members: Members, ...names: string[]): number | undefined => {
  for (const name of names) {
    const found = members[name]
    if (typeof found === 'number' && found > 0 && found <= DURATION_MAX_S) return found
  }
  return undefined
}

const cut = (given: string, max: number): string => [...given.slice(0, 2 * max)].slice(0, max).join('').slice(0, max)

/** Ids of the source where each is another, numbers where not. */
function withIds(scenes: readonly (Omit<Scene, 'id'> & { id: string | undefined })[]): Scene[] {
  const given = scenes.map((each) => each.id)
  const areGood = given.every((each) => each !== undefined && each.length <= ID_LENGTH_MAX)
  const areApart = areGood && new Set(given).size === given.length
  return scenes.map((each, index) => ({ ...each, id: areApart ? (each.id as string) : `scene-${index + 1}` }) as Scene)
}

/** A scene of version 1, under the names that it may have there. */
function legacyScene(given: unknown, index: number): Omit<Scene, 'id'> & { id: string | undefined } {
  if (typeof given === 'string') return { id: undefined, ...titled(given, index) }
  const members = membersOf(given)
  const prompt = firstText(members, 'prompt', 'description', 'text')
  const duration = firstNumber(members, 'durationSeconds', 'duration', 'seconds')
  const notes = firstText(members, 'notes', 'comment')
  const shots = Array.isArray(members.shots) ? members.shots.slice(0, SHOTS_MAX).map(legacyShot) : undefined
  const { id: given_, sceneId = given_ } = members
  const known = typeof sceneId === 'number' ? String(sceneId) : sceneId
  return {
    id: typeof known === 'string' && known !== '' ? known : undefined,
    title: cut(firstText(members, 'title', 'name', 'heading') ?? `Scene ${index + 1}`, TITLE_LENGTH_MAX),
    ...(prompt !== undefined && { prompt: cut(prompt, TEXT_LENGTH_MAX) }),
    ...(duration !== undefined && { durationSeconds: duration }),
    ...(notes !== undefined && { notes: cut(notes, TEXT_LENGTH_MAX) }),
    ...(shots && { shots }),
  }
}

function legacyShot(given: unknown, index: number): NonNullable<Scene['shots']>[number] {
  const { title: named, prompt, durationSeconds: length, notes } = legacyScene(given, index)
  return {
    title: named === `Scene ${index + 1}` ? `Shot ${index + 1}` : named,
    ...(prompt !== undefined && { prompt }),
    ...(length !== undefined && { durationSeconds: length }),
    ...(notes !== undefined && { notes }),
  } as NonNullable<Scene['shots']>[number]
}

/** A text as a scene: its first line is the title, and all of it the prompt. */
export function titled(paragraph: string, index: number): { title: string; prompt: string } {
  const [first = ''] = paragraph.trim().split('\n')
  const named = cut(first.trim(), 120)
  return { title: named === '' ? `Scene ${index + 1}` : named, prompt: cut(paragraph.trim(), TEXT_LENGTH_MAX) }
}

/** A document of version 1, which has `scenes` or `shots`; undefined: it is none. */
export function fromLegacy(given: unknown): Storyboard | undefined {
  const members = membersOf(given)
  const list = Array.isArray(members.scenes) ? members.scenes : members.shots
  if (!Array.isArray(list)) return undefined
  const named = firstText(members, 'title', 'name')
  return {
    version: 2,
    ...(named !== undefined && { title: cut(named, TITLE_LENGTH_MAX) }),
    scenes: withIds(list.slice(0, SCENES_MAX).map(legacyScene)),
  }
}

/** Scenes that a text has, which have no ids of their own. */
export const numbered = (scenes: readonly Pick<Scene, 'title' | 'prompt' | 'durationSeconds' | 'notes'>[]): Scene[] =>
  scenes.slice(0, SCENES_MAX).map(({ title: named, prompt, durationSeconds: length, notes }, index) => ({
    ...{ id: `scene-${index + 1}`, title: cut(named, TITLE_LENGTH_MAX) },
    ...(prompt !== undefined && { prompt: cut(prompt, TEXT_LENGTH_MAX) }),
    ...(length !== undefined && length <= DURATION_MAX_S && { durationSeconds: length }),
    ...(notes !== undefined && { notes: cut(notes, TEXT_LENGTH_MAX) }),
  }))
