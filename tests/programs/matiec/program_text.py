"""program.st and plc.xml: the program as its author sees it. The runtime does not compile them."""

from __future__ import annotations

from xml.sax.saxutils import escape

from .model import Pou, Program, Variable


def structured_text(program: Program) -> str:
    lines: list[str] = []
    for structure in program.structures:
        fields = [f"    {name} : {type_name};" for name, type_name in structure.fields]
        lines += ["TYPE", f"  {structure.name} : STRUCT", *fields, "  END_STRUCT;", "END_TYPE", ""]
    for pou in program.pous:
        keyword = "PROGRAM" if pou.is_program else "FUNCTION_BLOCK"
        lines += [f"{keyword} {pou.name}", *declarations(pou.variables), pou.body.strip("\n"), f"END_{keyword}", ""]
    lines += ["CONFIGURATION CONFIG0", *declarations(program.globals, "GLOBAL"), "  RESOURCE RES0 ON PLC"]
    for priority, task in enumerate(program.tasks):
        lines.append(f"    TASK {task.name}(INTERVAL := T#{task.interval_ms}ms,PRIORITY := {priority});")
    for task in program.tasks:
        lines += [f"    PROGRAM {instance} WITH {task.name} : {pou};" for instance, pou in task.instances]
    return "\n".join(lines + ["  END_RESOURCE", "END_CONFIGURATION", ""])


def declarations(variables: list[Variable], default_section: str = "") -> list[str]:
    """The declarations in the given order: one VAR block for each run of variables of one kind."""
    lines: list[str] = []
    previous = None
    for variable in variables:
        section = ("VAR", variable.section or default_section, variable.retain)
        if section != previous:
            lines += ["  END_VAR"] if previous else []
            keyword = "_".join(filter(None, section[:2]))
            lines.append(f"  {keyword} RETAIN" if variable.retain else f"  {keyword}")
        previous = section
        location = f" AT {variable.location}" if variable.location else ""
        initial = f" := {variable.initial}" if variable.initial else ""
        lines.append(f"    {variable.name}{location} : {variable.type}{initial};")
    return lines + (["  END_VAR"] if previous else [])


def with_debug_lines(text: str, debug_source: str, md5: str) -> str:
    """Appends debug.c as comments, as the Editor's tool chain does."""
    lines = [f'char md5[] = "{md5}";', *debug_source.splitlines()]
    return text + "".join(f"(*DBG:{line}*)\n" for line in lines)


def plc_xml(program: Program) -> str:
    pous = "".join(_pou_xml(pou) for pou in program.pous)
    tasks = "".join(
        f'<task name="{task.name}" priority="{priority}" interval="T#{task.interval_ms}ms">'
        + "".join(f'<pouInstance name="{instance}" typeName="{pou}"/>' for instance, pou in task.instances)
        + "</task>\n"
        for priority, task in enumerate(program.tasks)
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<project xmlns="http://www.plcopen.org/xml/tc6_0201" xmlns:xhtml="http://www.w3.org/1999/xhtml">
<fileHeader companyName="OpenPLC Runtime" productName="{program.name}" productVersion="1" creationDateTime="2026-01-01T00:00:00"/>
<contentHeader name="{program.name}"/>
<types><dataTypes/><pous>
{pous}</pous></types>
<instances><configurations><configuration name="CONFIG0"><resource name="RES0">
{tasks}</resource></configuration></configurations></instances>
</project>
"""


def _pou_xml(pou: Pou) -> str:
    kind = "program" if pou.is_program else "functionBlock"
    return (
        f'<pou name="{pou.name}" pouType="{kind}"><interface/><body><ST><xhtml:p>'
        f"{escape(pou.body.strip())}</xhtml:p></ST></body></pou>\n"
    )
