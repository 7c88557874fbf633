"""Are a site's assets sound? Every fault is collected, with its path in the input."""

from models.assets import Battery, SiteAssets, SolarPlant
from models.checks import (
    repeated,
    require_efficiency,
    require_none_negative,
    require_quantiles,
)
from models.errors import IssueList


def check_assets(assets: SiteAssets, node_ids: frozenset[str], n_slots: int, issues: IssueList) -> None:
    """Note every fault of a site's batteries, solar plants and generators."""
    placed = (
        *(
            (f"batteries[{place}]", asset.asset_id, asset.node_id)
            for place, asset in enumerate(assets.batteries)
        ),
        *((f"solar[{place}]", asset.asset_id, asset.node_id) for place, asset in enumerate(assets.solar)),
        *(
            (f"generators[{place}]", asset.asset_id, asset.node_id)
            for place, asset in enumerate(assets.generators)
        ),
    )
    for name in repeated(asset_id for _, asset_id, _ in placed):
        issues.add("assets", f"{name!r} appears more than once")
    for where, _, node_id in placed:
        issues.require(node_id in node_ids, f"assets.{where}.node_id", f"no node is called {node_id!r}")
    for place, battery in enumerate(assets.batteries):
        _check_battery(battery, f"assets.batteries[{place}]", issues)
    for place, plant in enumerate(assets.solar):
        _check_plant(plant, n_slots, f"assets.solar[{place}]", issues)
    for place, generator in enumerate(assets.generators):
        names = ("max_kw", "cost_per_kwh", "carbon_kg_per_kwh")
        require_none_negative(generator, names, f"assets.generators[{place}]", issues)


def _check_battery(battery: Battery, where: str, issues: IssueList) -> None:
    """More or less stored than is kept is no fault: the plan brings it back."""
    names = ("min_kwh", "max_kwh", "stored_kwh", "charge_kw", "discharge_kw", "wear_per_kwh", "end_kwh")
    require_none_negative(battery, names, where, issues)
    if battery.min_kwh > battery.max_kwh:
        issues.add(f"{where}.min_kwh", "is above max_kwh")
    if battery.end_kwh is not None and battery.end_kwh > battery.max_kwh:
        issues.add(f"{where}.end_kwh", "is above max_kwh")
    for name in ("charge_efficiency", "discharge_efficiency"):
        require_efficiency(getattr(battery, name), f"{where}.{name}", issues)


def _check_plant(plant: SolarPlant, n_slots: int, where: str, issues: IssueList) -> None:
    paths = (f"{where}.levels", f"{where}.available_kw")
    require_quantiles(plant.levels, plant.available_kw, n_slots, paths, issues)
    issues.require(not bool((plant.available_kw < 0).any()), paths[1], "has a negative value")
