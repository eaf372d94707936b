/**
 * The preset pack: templates that every operator sees, as files in `presets/`. An instance that makes its sandbox operator
 * imports them at its start, `opslog admin template import --presets` does on any other; importing the same again changes
 * nothing, and a preset that was archived stays so.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { importTemplate, template, templateIdOf } from '../../commands/noctant/template.ts'
import { readTemplateFile, type TemplateFile } from '../../commands/noctant/template-file.ts'

/** What the pack is in. */
const CURRENCIES = ['USD']
const directory = join(import.meta.dirname, '..', '..', '..', 'presets')

/** The pack, by file name. Throws where a file of ours does not fit, which a test rules out. */
export function presetPack(): TemplateFile[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'))
  return names.toSorted().map((name) => {
    const read = readTemplateFile(JSON.parse(readFileSync(join(directory, name), 'utf8')), CURRENCIES)
    if ('faults' in read) throw new Error(`presets/${name}: ${read.faults.join('; ')}`)
    return read.file
  })
}

/** Imports what is missing or has changed. Answers with the keys of those that were written. */
export async function importPresets(bus: CommandBus, context: () => CommandContext): Promise<string[]> {
  const written: string[] = []
  for (const { key, terms } of presetPack()) {
    const { status } = await bus.current(template, templateIdOf(null, key))
    if (status === 'archived') continue
    const { events } = await importTemplate(bus, { operatorId: null, key, terms }, context())
    if (events.length > 0) written.push(key)
  }
  return written
}
