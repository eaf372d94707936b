/**
 * A storyboard as Markdown, and back. Each scene is a heading with its prompt, its length and its notes. What people do not read, and what
 * the text would not give back letter for letter, stands in a comment under the heading: an export that is imported is the same scenes.
 */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { jsonIn } from '../../runtime/json-in.ts'
import { isFault, numbered, readStoryboard, type Scene, type Storyboard, titled } from './storyboard.ts'

const MARK = '<!-- storyboard version 2 -->'
/** JSON may hold U+2028 and U+2029, which are no character to a bare dot. */
const COMMENT = /^<!-- scene (\{.*\}) -->$/s
const HEADING = /^(#{1,6})[ \t]+(.*?)[ \t]*$/
const DURATION = /^\*\*Duration:\*\* (\d+(?:\.\d+)?) s$/
const NOTES = '**Notes:**'
const SHOTS = '### Shots'
/** Lines that would be read as something else. */
const SPECIAL = /^(\\|#|<!--|\*\*(Duration|Notes):\*\*)/

const linesOf = (text: string): string[] => text.replaceAll('\r\n', '\n').split('\n')

const escaped = (text: string): string =>
  text
    .split('\n')
    .map((line) => (SPECIAL.test(line) ? `\\${line}` : line))
    .join('\n')
const unescaped = (lines: readonly string[]): string =>
  lines
    .map((line) => (line.startsWith('\\') && SPECIAL.test(line.slice(1)) ? line.slice(1) : line))
    .join('\n')
    .trim()

/** No comment ends within another. */
const inComment = (members: object): string => JSON.stringify(members).replaceAll('--', '-\\u002d')

type Visible = Pick<Scene, 'title' | 'prompt' | 'durationSeconds' | 'notes'>

function visibleLines({ prompt, durationSeconds, notes }: Visible): string[] {
  return [
    ...(prompt === undefined ? [] : ['', escaped(prompt)]),
    ...(durationSeconds === undefined ? [] : ['', `**Duration:** ${durationSeconds} s`]),
    ...(notes === undefined ? [] : ['', NOTES, escaped(notes)]),
  ]
}

const headingOf = (title: string): string => `## ${title.replaceAll(/\s+/g, ' ').trim()}`

function sceneLines(scene: Scene): string[] {
  const visible = visibleLines(scene)
  const heading = headingOf(scene.title)
  const readBack: Record<string, unknown> = visibleOf(heading.slice(3), linesOf(visible.join('\n')))
  const hidden = Object.fromEntries(
    Object.entries(scene).filter(([name, value]) => !isDeepStrictEqual(readBack[name], value)),
  )
  // What is read where nothing was meant is taken back.
  const without = Object.keys(readBack).filter((name) => !(name in scene))
  const behind = { scene: hidden, ...(without.length > 0 && { without }) }
  const shots = (scene.shots ?? []).map((shot, index) => {
    const { title = `Shot ${index + 1}`, prompt } = shot
    return `- ${[title, prompt]
      .filter((each) => each !== undefined)
      .join(': ')
      .replaceAll(/\s+/g, ' ')}`
  })
  return [
    ...['', heading, `<!-- scene ${inComment(behind)} -->`],
    ...visible,
    ...(shots.length === 0 ? [] : ['', SHOTS, ...shots]),
  ]
}

/** The document as a text, under its own title or, where it has none, the asset's. */
export function toMarkdown(storyboard: Storyboard, assetTitle: string): string {
  const title = (storyboard.title ?? assetTitle).replaceAll(/\s+/g, ' ').trim()
  return `${[`# ${title}`, MARK, ...storyboard.scenes.flatMap(sceneLines)].join('\n')}\n`
}

/** What the lines under a heading say. */
function visibleOf(title: string, lines: readonly string[]): Visible {
  const shotsAt = lines.indexOf(SHOTS)
  const own = shotsAt === -1 ? lines : lines.slice(0, shotsAt)
  const notesAt = own.indexOf(NOTES)
  const before = notesAt === -1 ? own : own.slice(0, notesAt)
  const durationLine = before.find((line) => DURATION.test(line))
  const prompt = unescaped(before.filter((line) => line !== durationLine && !COMMENT.test(line)))
  const notes = notesAt === -1 ? '' : unescaped(own.slice(notesAt + 1))
  const length = durationLine === undefined ? undefined : Number(DURATION.exec(durationLine)?.[1])
  return {
    title,
    ...(prompt !== '' && { prompt }),
    ...(length !== undefined && length > 0 && { durationSeconds: length }),
    ...(notes !== '' && { notes }),
  }
}

const hiddenSchema = z.object({
  scene: z.record(z.string(), z.unknown()),
  without: z.array(z.string()).default([]),
})

/** What somebody else has written there is no comment of ours. */
function hiddenOf(lines: readonly string[]): z.output<typeof hiddenSchema> {
  for (const line of lines) {
    const [, json] = COMMENT.exec(line) ?? []
    if (json === undefined) continue
    const read = hiddenSchema.safeParse(jsonIn(json))
    if (read.success) return read.data
  }
  return { scene: {}, without: [] }
}

interface Section {
  level: number
  title: string
  lines: string[]
}

function sectionsOf(text: string): { sections: Section[]; before: string[] } {
  const sections: Section[] = []
  const before: string[] = []
  for (const line of linesOf(text)) {
    const [, marks = '', title = ''] = HEADING.exec(line) ?? []
    if (marks === '' || line === SHOTS) (sections.at(-1)?.lines ?? before).push(line)
    else sections.push({ level: marks.length, title, lines: [] })
  }
  return { sections, before }
}

function exported(sections: readonly Section[]): Storyboard | undefined {
  const [head, ...rest] = sections
  if (!head?.lines.includes(MARK)) return undefined
  const scenes = rest.map(({ title, lines }, index) => {
    const { scene, without } = hiddenOf(lines)
    const all = { id: `scene-${index + 1}`, ...visibleOf(title, lines), ...scene }
    return Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)))
  })
  const read = readStoryboard({ version: 2, title: head.title, scenes })
  // Of two scenes with one id, as where somebody has copied one, neither keeps it.
  if (isFault(read)) return { version: 2, title: head.title, scenes: numbered(plainScenes(rest)) }
  return read
}

const plainScenes = (sections: readonly Section[]): Visible[] =>
  sections.map(({ title, lines }, index) => {
    const visible = visibleOf(title, lines)
    return visible.title === '' ? { ...visible, title: `Scene ${index + 1}` } : visible
  })

/** Scenes of any text: an export of ours, else each heading, else each paragraph. */
export function fromText(text: string): Storyboard {
  const { sections } = sectionsOf(text)
  const ours = exported(sections)
  if (ours) return ours
  if (sections.length > 0) return { version: 2, scenes: numbered(plainScenes(sections)) }
  const paragraphs = text.split(/\n\s*\n/).filter((each) => each.trim() !== '')
  return { version: 2, scenes: numbered(paragraphs.map(titled)) }
}
