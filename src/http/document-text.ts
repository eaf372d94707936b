/** A document as one text, for people who read from the top, and for language models. */
import type { OpenApiDocument } from './document.ts'

interface Content {
  description?: string
  content?: Record<string, { example?: unknown }>
  'x-problem-codes'?: string[]
}
interface Route {
  operationId: string
  summary?: string
  description?: string
  tags?: string[]
  parameters?: { name: string; in: string; required?: boolean; description?: string }[]
  requestBody?: Content
  responses: Record<string, Content>
}
interface Readable {
  info: { title: string; description?: string }
  tags?: { name: string; description?: string }[]
  paths: Record<string, Record<string, Route>>
}

/** Markdown: the document's introduction, then each operation under its group. `name`: the first part of its paths. */
export function documentText(name: string, document: OpenApiDocument): string {
  const { info, tags = [], paths } = document as unknown as Readable
  const routes = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, route]) => ({ title: `${method.toUpperCase()} /${name}${path}`, route })),
  )
  const groups = tags.map(({ name: tag, description }) => {
    const own = routes.filter(({ route }) => route.tags?.[0] === tag)
    return [`## ${tag}`, description, ...own.map(({ title, route }) => operationText(title, route))]
  })
  const others = routes.filter(({ route }) => !tags.some(({ name: tag }) => tag === route.tags?.[0]))
  const parts = [`# ${info.title}`, info.description, ...groups.flat()]
  const all = [...parts, ...others.map(({ title, route }) => operationText(title, route))]
  return `${all.filter((part) => part !== undefined).join('\n\n')}\n`
}

function operationText(title: string, route: Route): string {
  const { summary, description, parameters = [], requestBody, responses } = route
  const named = parameters.map(({ name, in: place, required, description: says = '' }) => {
    return `- \`${name}\` (${place}${required ? ', required' : ''}): ${says}`
  })
  const answers = Object.entries(responses).map(([status, { description: says = '', ...answer }]) => {
    const codes = answer['x-problem-codes'] ?? []
    return `- ${status}: ${codes.length > 0 ? codes.map((code) => `\`${code}\``).join(', ') : says}`
  })
  const shown = Object.entries(responses).find(([status]) => Number(status) < 300)?.[1]
  return [
    `### ${title}`,
    ...[summary, description].filter((part) => part !== undefined),
    ...(named.length > 0 ? [named.join('\n')] : []),
    ...exampleText('Request', requestBody),
    ...exampleText('Answer', shown),
    answers.join('\n'),
  ].join('\n\n')
}

function exampleText(title: string, content: Content | undefined): string[] {
  const example = content?.content?.['application/json']?.example
  if (example === undefined) return []
  return [`${title}:`, `\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\``]
}
