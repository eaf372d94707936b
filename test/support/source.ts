/** The source files as the architecture test sees them: parsed, with their imports, functions and comments. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { parseSync } from 'vite'

export const root = join(import.meta.dirname, '..', '..')

export interface Import {
  /** As written: `./event.ts`, `node:fs`, `pg`. */
  specifier: string
  /** For a file of ours its path from the repository's root, for a package its name. */
  target: string
  isPackage: boolean
  isTypeOnly: boolean
  names: string[]
  /** Those of the names that are more than types. */
  valueNames: string[]
}

export interface SourceFile {
  /** From the repository's root, with slashes: `src/events/store.ts`. */
  path: string
  text: string
  lineCount: number
  imports: Import[]
  functions: { name: string; line: number; ownLines: number }[]
  /** Function literals that are assigned to a property: `c.json = …`. */
  assigned: { line: number }[]
  comments: string[]
  /** String literals that are not import specifiers. */
  strings: string[]
  /** Names as they are used: `randomUUID`, `Date.now`, `new Date`. */
  uses: { name: string; line: number }[]
  /** Nothing but imports and exports of others. */
  reexportsOnly: boolean
}

interface Node {
  type: string
  start: number
  end: number
  [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'

function childrenOf(node: Node): Node[] {
  const children: Node[] = []
  for (const value of Object.values(node)) {
    if (isNode(value)) children.push(value)
    else if (Array.isArray(value)) children.push(...value.filter(isNode))
  }
  return children
}

/** Every TypeScript file under a folder of the repository. */
export function filesUnder(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
    .map(read)
}

function read(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8')
  const parsed = parseSync(path, text)
  if (parsed.errors.length > 0) throw new Error(`${path} does not parse: ${parsed.errors[0]?.message}`)
  const program = parsed.program as unknown as Node & { body: Node[] }
  const lineOf = lineIndex(text)
  const file: SourceFile = {
    path,
    text,
    lineCount: text.split('\n').length - 1,
    imports: [],
    functions: [],
    assigned: [],
    comments: parsed.comments.map(({ value }) => value),
    strings: [],
    uses: [],
    reexportsOnly: program.body.length > 0 && program.body.every((node) => isNode(node.source)),
  }
  visit(program, file, lineOf, path)
  return file
}

/** Gathers what the file holds; answers with the number of lines that belong to functions below this node. */
function visit(node: Node, file: SourceFile, lineOf: (offset: number) => number, name: string): number {
  if (node.type === 'Literal' && typeof node.value === 'string') file.strings.push(node.value)
  if (isNode(node.source) && node.source.type === 'Literal') file.imports.push(importOf(node, file.path))
  if (assignsFunction(node)) file.assigned.push({ line: lineOf(node.start) })
  const used = useOf(node)
  if (used) file.uses.push({ name: used, line: lineOf(node.start) })

  const named = nameOf(node) ?? name
  const inner = childrenOf(node).reduce((lines, child) => lines + visit(child, file, lineOf, named), 0)
  if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return inner
  const lines = lineOf(node.end) - lineOf(node.start) + 1
  file.functions.push({ name: named, line: lineOf(node.start), ownLines: lines - inner })
  return lines
}

function assignsFunction({ type, left, right }: Node): boolean {
  if (type !== 'AssignmentExpression' || !isNode(left) || left.type !== 'MemberExpression') return false
  let value = right
  while (isNode(value) && /^(TSAsExpression|TSSatisfiesExpression|ParenthesizedExpression)$/.test(value.type)) {
    value = value.expression
  }
  return isNode(value) && /^(FunctionExpression|ArrowFunctionExpression)$/.test(value.type)
}

function nameOf(node: Node): string | undefined {
  for (const part of [node.id, node.key]) if (isNode(part) && typeof part.name === 'string') return part.name
  return undefined
}

function importOf(node: Node, from: string): Import {
  const specifier = String((node.source as Node).value)
  const isPackage = !specifier.startsWith('.')
  const packageName = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : []
  const kindOf = (part: Node) => part.importKind ?? part.exportKind
  /** As the imported file calls it. */
  const sourceName = ({ type, imported, local }: Node) => (type === 'ExportSpecifier' ? local : imported)
  const namesOf = (parts: Node[]) => parts.map(sourceName).map((name) => String((isNode(name) && name.name) || ''))
  return {
    specifier,
    isPackage,
    target: isPackage ? packageName : join(dirname(from), specifier).split(sep).join('/'),
    isTypeOnly:
      kindOf(node) === 'type' || (specifiers.length > 0 && specifiers.every((part) => kindOf(part) === 'type')),
    names: namesOf(specifiers),
    valueNames: kindOf(node) === 'type' ? [] : namesOf(specifiers.filter((part) => kindOf(part) !== 'type')),
  }
}

function useOf(node: Node): string | undefined {
  const identifier = (value: unknown) => (isNode(value) && value.type === 'Identifier' ? String(value.name) : undefined)
  if (node.type === 'NewExpression')
    return `new ${identifier(node.callee)}${(node.arguments as []).length ? '(…)' : '()'}`
  if (node.type === 'MemberExpression') return `${identifier(node.object)}.${identifier(node.property)}`
  return identifier(node)
}

function lineIndex(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
}
