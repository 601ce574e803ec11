-- Refuses jobs above a user's limit, as the accounting database's MaxSubmitJobs does. Slurm's job_submit/lua calls the functions;
-- tests/slurm/cluster writes a line above this one that sets 'limit'.

local function array_tasks(array) -- the text of --array, such as 1,3-9:2%4; nil of a job that is no array
    local tasks = 0
    for first, last, step in (array or "0"):gsub("%%.*", ""):gmatch("(%d+)%-?(%d*):?(%d*)") do
        tasks = tasks + 1
        if last ~= "" then
            tasks = tasks + math.floor((last - first) / (tonumber(step) or 1))
        end
    end
    return tasks
end

local function is_pending_or_running(job)
    return job.job_state % 256 <= 2 -- the third is suspended; flags are above
end

-- slurm.jobs is brought up to date only when a job has changed in a later second than the last one seen.
local function wait_for_next_second()
    local now = os.time()
    while os.time() == now do
        os.execute("sleep 0.05")
    end
end

function slurm_job_submit(request, partitions, user)
    local jobs = array_tasks(request.array_inx)
    for _, job in pairs(slurm.jobs) do
        if job.user_id == user and is_pending_or_running(job) then
            jobs = jobs + math.max(job.array_task_cnt or 0, 1) -- tasks that have not started share one record
        end
    end
    if jobs > limit then
        slurm.log_user("AssocMaxSubmitJobLimit")
        return slurm.ESLURM_ACCOUNTING_POLICY
    end
    wait_for_next_second()
    return slurm.SUCCESS
end

function slurm_job_modify()
    return slurm.SUCCESS
end
